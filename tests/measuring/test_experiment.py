"""The loop that every comparison of models goes through, against a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.errors import ExperimentError
from rag.measuring import samples
from rag.measuring.experiment import Experiment, cells
from rag.measuring.samples import Cell, Plan, Prompt, Sample
from rag.models.endpoint import EndpointModel
from rag.types import Message

pytestmark = pytest.mark.anyio

SHORT = Prompt("short", (Message("user", "Why?"),), 16)
LONG = Prompt("long", (Message("system", "Be brief."), Message("user", "How?")), 16)
PLAN = Plan(("a", "b"), (SHORT, LONG), 2, at_once=(1, 3))


@pytest.fixture
async def models(scripted_server: ScriptedServer) -> AsyncIterator[dict[str, EndpointModel]]:
    made = {name: EndpointModel("scripted-model", scripted_server.base_url) for name in "ab"}
    for model in made.values():
        await model.ready()
    scripted_server.history.clear()
    yield made
    for model in made.values():
        await model.aclose()


async def all_samples(experiment: Experiment, done: Collection[Cell] = ()) -> list[Sample]:
    return [sample async for one in experiment.run(done) for sample in one]


def test_every_model_gets_every_prompt_when_planned() -> None:
    planned = cells(PLAN)
    assert planned[:2] == [Cell(1, 0, "short", "a"), Cell(1, 0, "short", "b")]
    assert sorted(planned[2:]) == sorted(
        Cell(at_once, round_, prompt, model)
        for at_once in (1, 3)
        for round_ in (1, 2)
        for prompt in ("short", "long")
        for model in ("a", "b")
    )


def test_models_take_turns_when_planned() -> None:
    planned = cells(replace(PLAN, rounds=20))[2:]
    pairs = list(zip(planned[::2], planned[1::2], strict=True))
    assert all(one.prompt == other.prompt for one, other in pairs)
    assert {one.model for one, _ in pairs} == {"a", "b"}
    assert cells(PLAN) == cells(PLAN)
    assert cells(replace(PLAN, rounds=20, seed=1)) != cells(replace(PLAN, rounds=20))


async def test_a_request_is_measured_when_it_is_answered(
    scripted_server: ScriptedServer, models: dict[str, EndpointModel]
) -> None:
    scripted_server.fallback = Scripted(("One", " two"), usage=(7, 2))
    plan = Plan(("a",), (SHORT,), 1)
    warmup, sample = await all_samples(Experiment(plan, models))
    assert (warmup.cell.round, warmup.load_ms is not None) == (0, True)
    assert (sample.cell, sample.load_ms, sample.text) == (Cell(1, 1, "short", "a"), None, "One two")
    assert (sample.prompt_tokens, sample.completion_tokens, sample.is_estimated) == (7, 2, False)
    assert sample.first_token_ms == sample.pieces_ms[0]
    assert len(sample.pieces_ms) == 2
    assert sample.total_ms is not None
    assert sample.total_ms >= sample.pieces_ms[1]


async def test_tokens_are_counted_here_when_the_server_does_not(
    scripted_server: ScriptedServer, models: dict[str, EndpointModel]
) -> None:
    scripted_server.fallback = Scripted(("One", " two"), usage=None)
    _, sample = await all_samples(Experiment(Plan(("a",), (SHORT,), 1), models))
    assert (sample.prompt_tokens, sample.completion_tokens, sample.is_estimated) == (2, 2, True)


async def test_several_are_sent_together_when_asked_at_once(
    scripted_server: ScriptedServer, models: dict[str, EndpointModel]
) -> None:
    plan = Plan(("a",), (SHORT,), 1, at_once=(3,), mark="x")
    _, *found = await all_samples(Experiment(plan, models))
    assert [sample.number for sample in found] == [0, 1, 2]
    prompts = {received.prompt.split("\n")[0] for received in scripted_server.history[1:]}
    assert prompts == {f"Request x-3-1-short-{number}." for number in range(3)}


async def test_the_same_is_sent_to_both_when_requests_are_marked(
    scripted_server: ScriptedServer, models: dict[str, EndpointModel]
) -> None:
    await all_samples(Experiment(Plan(("a", "b"), (LONG,), 2, mark="x"), models))
    _, _, one, other, third, _ = [received.body["messages"] for received in scripted_server.history]
    assert one == other
    assert one != third
    assert one[1:] == third[1:]


async def test_the_others_go_on_when_a_request_fails(
    scripted_server: ScriptedServer, models: dict[str, EndpointModel]
) -> None:
    scripted_server.script(Scripted(), Scripted(status=401), Scripted(("Fine.",)))
    _, failed, fine = await all_samples(Experiment(Plan(("a",), (SHORT, LONG), 1), models))
    assert failed.error.startswith(f"{scripted_server.base_url} wants another key.")
    assert (failed.first_token_ms, failed.total_ms) == (None, None)
    assert (fine.error, fine.text) == ("", "Fine.")


async def test_only_the_rest_is_asked_when_a_run_goes_on(
    models: dict[str, EndpointModel], tmp_path: Path
) -> None:
    plan, path = Plan(("a", "b"), (SHORT,), 2), tmp_path / "run.jsonl"
    samples.begin(path, plan)
    experiment = Experiment(plan, models)
    async for one in experiment.run():
        samples.append(path, one)
        if one[0].cell.round == 1:
            break
    kept_plan, kept = samples.read(path)
    assert (kept_plan, len(kept)) == (plan, 3)
    rest = await all_samples(experiment, {sample.cell for sample in kept})
    assert [sample.cell.round for sample in rest] == [0, 0, 1, 2, 2]


def test_a_torn_line_is_dropped_when_the_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    samples.begin(path, PLAN)
    sample = Sample(Cell(1, 1, "short", "a"), text="Ja\u2028nein", pieces_ms=(1.5, 2.0))
    samples.append(path, [sample])
    with path.open("a") as file:
        file.write('{"cell": {"at_on')
    assert samples.read(path) == (PLAN, (sample,))
    samples.append(path, [sample])
    assert samples.read(path) == (PLAN, (sample, sample))


def test_a_file_is_refused_when_it_holds_something_else(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text('{"id": 1}\n')
    with pytest.raises(ExperimentError, match=r"run\.jsonl does not hold the samples"):
        samples.read(path)
    with pytest.raises(ExperimentError, match=r"--resume goes on with it"):
        samples.begin(path, PLAN)
    with pytest.raises(ExperimentError, match=r"gone\.jsonl cannot be read"):
        samples.read(tmp_path / "gone.jsonl")
