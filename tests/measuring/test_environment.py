"""A model watched while it answers: a scripted server, and moments made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.measuring.environment import Watched, charts, plan, watched
from rag.measuring.experiment import Experiment
from rag.measuring.reports.values import Line, Point
from rag.measuring.watching import Moment
from rag.models.chat import ChatModel
from rag.models.endpoint import EndpointModel

MB = 1_000_000
MOMENTS = (
    Moment(0.0, None, None),
    Moment(200.0, 300 * MB, None),
    Moment(400.0, 900 * MB, 1.5),
    Moment(600.0, 600 * MB, 0.25),
)


async def made_up(model: ChatModel) -> AsyncGenerator[Moment]:
    for moment in MOMENTS:
        yield moment
    await asyncio.Event().wait()  # as a watch that has no end


@pytest.mark.anyio
async def test_a_model_is_watched_when_it_answers(scripted_server: ScriptedServer) -> None:
    scripted_server.models[0]["capabilities"] = {"streams": True, "logprobs": False}
    model = EndpointModel(MODEL, scripted_server.base_url, reach="machine")
    scripted_server.fallback = Scripted(("a ", "b"), usage=(10, 2), delay_s=0.01)
    cells: list[int] = []
    asked = plan(["m"], "mark")
    seen = await watched(Experiment(asked, {"m": model}), lambda: cells.append(1), made_up)
    assert [sample.cell.round for sample in seen.samples] == [0, 1, 2, 3]
    assert [sample.error for sample in seen.samples] == [""] * 4
    assert seen.moments == {"m": MOMENTS}
    assert seen.loaded_ms["m"] == seen.samples[0].load_ms
    assert len(cells) == 4
    assert {body.body["max_tokens"] for body in scripted_server.history[-4:]} == {48}
    await model.aclose()


@pytest.mark.anyio
async def test_the_watch_ends_when_no_request_succeeds(scripted_server: ScriptedServer) -> None:
    scripted_server.fallback = Scripted(status=400, error={"message": "not today"})
    model = EndpointModel(MODEL, scripted_server.base_url, reach="machine")
    before = asyncio.all_tasks()
    seen = await watched(Experiment(plan(["m"], "x"), {"m": model}), lambda: None, made_up)
    assert all(sample.error for sample in seen.samples)
    assert asyncio.all_tasks() == before
    await model.aclose()


def test_memory_and_processors_are_drawn_when_they_were_seen() -> None:
    memory, cores = charts(Watched((), {"m": MOMENTS}, {"m": 410.0}))
    assert memory.lines == (
        Line("m", (Point(200.0, 300 * MB), Point(400.0, 900 * MB), Point(600.0, 600 * MB))),
        Line("m is loaded", (Point(410.0, 0.0), Point(410.0, 900 * MB)), is_guide=True),
    )
    assert memory.answer == "m: at most 900 MB."
    assert cores.lines[0] == Line("m", (Point(400.0, 1.5), Point(600.0, 0.25)))
    assert cores.answer == "m: at most 1.5 processors."


def test_nothing_is_drawn_when_the_process_cannot_be_seen() -> None:
    assert list(charts(Watched((), {"m": (Moment(0.0, None, None),)}, {}))) == []
    assert list(charts(Watched((), {}, {}))) == []


def test_a_long_line_is_thinned_when_it_is_drawn() -> None:
    long = tuple(Moment(float(at), at * MB + 1, None) for at in range(1000))
    [memory] = charts(Watched((), {"m": long}, {}))
    assert len(memory.lines[0].points) == 250
