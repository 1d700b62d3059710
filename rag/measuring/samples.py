"""What was measured of each request, and the file that keeps it: samples in, JSON Lines out.

The first line of a file is the plan that the samples belong to, so that a run which was stopped
goes on as it began, and anyone can see what was asked. Nothing is summarised here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from rag.errors import ExperimentError
from rag.types import Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """What every model is asked."""

    id: str
    messages: tuple[Message, ...]
    max_tokens: int
    question: str = ""  # what of the messages is asked, and what it can be answered from:
    sources: tuple[str, ...] = ()  # "" and none where nothing is known of that


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is asked, of whom, how often, how many at once."""

    models: tuple[str, ...]  # as a setting names them; the same names are in the samples
    prompts: tuple[Prompt, ...]
    rounds: int
    at_once: tuple[int, ...] = (1,)
    seed: int = 0
    temperature: float = 0.0
    is_streamed: bool = True
    mark: str = ""  # begins every request, with a number of its own: no prefix cache answers for it


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """The place of a request in its plan. Round 0 is the warm-up, which loads the model."""

    at_once: int
    round: int
    prompt: str
    model: str


@dataclass(frozen=True, slots=True)
class Resources:
    """Of the process that infers, while it did; None: it cannot be seen from here."""

    peak_memory_bytes: int | None = None
    cpu_s: float | None = None
    gpu_share: float | None = None  # 0 to 1, of the whole device
    energy_wh: float | None = None
    energy_source: str = ""  # "measured by …" or "estimated from …"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times in ms since it was sent; None: it never came to that.

    ``pieces_ms`` has a time for each piece that came, thinking included; a piece is a token on most
    servers, but may be several. Counts are the server's own unless ``is_estimated``.
    """

    cell: Cell
    number: int = 0  # among those sent at once
    is_cold: bool = False  # the model may not have been loaded before
    load_ms: float | None = None  # warm-up only: until the model could be asked
    first_token_ms: float | None = None
    total_ms: float | None = None
    pieces_ms: tuple[float, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_estimated: bool = False
    finish_reason: str = ""
    text: str = ""
    reasoning: str = ""
    resources: Resources | None = None  # None: several ran at once, or nobody looked
    error: str = ""  # a sentence


_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
_SAMPLE: TypeAdapter[Sample] = TypeAdapter(Sample)


def begin(path: Path, plan: Plan) -> None:
    """A new file. Raises ExperimentError when it is there already or cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(_PLAN.dump_json(plan) + b"\n")
    except FileExistsError as exc:
        raise ExperimentError(f"{path.name} is there already: --resume goes on with it.") from exc
    except OSError as exc:
        raise ExperimentError(f"{path.name} cannot be written: {exc.strerror}.") from exc


def append(path: Path, samples: Sequence[Sample]) -> None:
    """The samples of a cell, all or, after a crash, a torn last line. Raises ExperimentError."""
    lines = b"".join(_SAMPLE.dump_json(sample) + b"\n" for sample in samples)
    try:
        with path.open("ab") as file:
            file.write(lines)
    except OSError as exc:
        raise ExperimentError(f"{path.name} cannot be written: {exc.strerror}.") from exc


def read(path: Path) -> tuple[Plan, tuple[Sample, ...]]:
    """A file's plan and samples; a torn last line is taken out of it. Raises ExperimentError."""
    try:
        first, *lines, torn = path.read_bytes().split(b"\n")
        if torn:
            os.truncate(path, path.stat().st_size - len(torn))
        return _PLAN.validate_json(first), tuple(map(_SAMPLE.validate_json, lines))
    except OSError as exc:
        raise ExperimentError(f"{path.name} cannot be read: {exc.strerror}.") from exc
    except ValueError as exc:  # ValidationError is one, and so is too few lines
        raise ExperimentError(f"{path.name} does not hold the samples of an experiment.") from exc
