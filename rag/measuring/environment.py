"""A model of this machine, watched while it loads and answers: an experiment in, its samples with
the moments of each process out, and charts of them.

It compares nobody: rag/measuring/bench.py does. It knows nothing of settings or findings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from rag.measuring.bench import prompt_of_text
from rag.measuring.experiment import Experiment
from rag.measuring.reports.figures import shown
from rag.measuring.reports.values import Axis, Line, Lines, Point
from rag.measuring.samples import Plan, Sample
from rag.measuring.watching import Moment, moments
from rag.models.chat import ChatModel

_QUESTION = (
    "What should everybody know who works with a machine for the first time? Say it in full."
)
_ROUNDS, _MAX_TOKENS = 3, 48
_MOST_POINTS = 300  # of a line; more cannot be seen
_TIME = Axis("time since the start", "ms", low=0)

Watch = Callable[[ChatModel], AsyncGenerator[Moment]]


@dataclass(frozen=True, slots=True)
class Watched:
    """Times in ms since the start of all; the models are named as in the plan."""

    samples: tuple[Sample, ...]
    moments: Mapping[str, tuple[Moment, ...]]
    loaded_ms: Mapping[str, float]  # when a model could be asked, of those that had to be loaded


def plan(models: Sequence[str], mark: str) -> Plan:
    """A short question, a few times; ``mark`` keeps servers from remembering it."""
    prompt = prompt_of_text(_QUESTION, _MAX_TOKENS)
    return Plan(tuple(models), (prompt,), _ROUNDS, mark=mark)


async def watched(
    experiment: Experiment, on_cell: Callable[[], object], watch: Watch = moments
) -> Watched:
    """Each model's process is looked at from the first request to the last."""
    seen: dict[str, list[Moment]] = {name: [] for name in experiment.plan.models}
    watching = [
        asyncio.create_task(_noted(watch(model), seen[name]))
        for name, model in experiment.models.items()
    ]
    samples: list[Sample] = []
    loaded_ms: dict[str, float] = {}
    began_ns = cell_ns = experiment.now_ns()
    try:
        async with aclosing(experiment.run()) as cells:
            async for cell in cells:
                if cell[0].is_cold and cell[0].load_ms is not None:
                    loaded_ms[cell[0].cell.model] = (cell_ns - began_ns) / 1e6 + cell[0].load_ms
                cell_ns = experiment.now_ns()
                samples += cell
                on_cell()
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    found = {name: tuple(moments) for name, moments in seen.items()}
    return Watched(tuple(samples), found, loaded_ms)


async def _noted(moments: AsyncGenerator[Moment], into: list[Moment]) -> None:
    async with aclosing(moments):
        async for moment in moments:
            into.append(moment)


# --- charts ----------------------------------------------------------------------------------


def charts(watched: Watched) -> Iterator[Lines]:
    """Of what could be seen: none where every model is on another machine."""
    memory = _lines(watched, lambda moment: moment.memory_bytes)
    if memory:
        yield Lines(
            "How much memory does a model hold while it loads and answers?",
            _said(memory, "at most", "bytes"),
            _TIME,
            Axis("memory of its process", "bytes", low=0),
            (*memory, *_guides(watched, memory)),
        )
    cores = _lines(watched, lambda moment: moment.cores)
    if cores:
        yield Lines(
            "How many processors does it keep busy?",
            _said(cores, "at most", "processors"),
            _TIME,
            Axis("busy processors", low=0),
            (*cores, *_guides(watched, cores)),
        )


def _lines(watched: Watched, figure: Callable[[Moment], float | None]) -> list[Line]:
    found = []
    for name, seen in watched.moments.items():
        known = [(moment.at_ms, figure(moment)) for moment in seen]
        points = [Point(at_ms, value) for at_ms, value in known if value is not None]
        if points:
            found.append(Line(name, tuple(points[:: 1 + len(points) // _MOST_POINTS])))
    return found


def _guides(watched: Watched, lines: Sequence[Line]) -> Iterator[Line]:
    """Where a model began to answer: a line from the ground to the highest point."""
    top = max(_top(line) for line in lines)
    for name, at_ms in watched.loaded_ms.items():
        yield Line(f"{name} is loaded", (Point(at_ms, 0.0), Point(at_ms, top)), is_guide=True)


def _said(lines: Sequence[Line], how: str, unit: str) -> str:
    return "; ".join(f"{line.name}: {how} {shown(_top(line), unit)}" for line in lines) + "."


def _top(line: Line) -> float:
    return max(point.y for point in line.points if isinstance(point.y, float | int))
