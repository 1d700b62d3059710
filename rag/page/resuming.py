"""Turns of a chat as JSON, and back: what a chat needs to go on after the process has ended.

A chat's documents come from elsewhere (rag/people/shelf.py); what its page shows is kept by the
page itself. What a later version cannot read is left out of the chat's memory, and stays shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from rag.page.chat import Asked
from rag.page.reach import Place
from rag.page.screen import Screen
from rag.types import Answer, Mode, Tier

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An ``Asked`` without its screen, of which only the ids of its parts are known."""

    question: str
    text: str
    mode: Mode
    answer: Answer | None
    draft: Answer | None
    places: dict[Tier, Place]
    has_larger: bool
    screen: dict[str, Any] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Stored)


def stored(asked: Asked, screen: Mapping[str, Any]) -> Json:
    one = Stored(
        asked.question, asked.text, asked.mode, asked.answer, asked.draft,
        dict(asked.places), asked.has_larger, dict(screen),
    )  # fmt: skip
    # Read-only mappings are no type that it knows.
    kept: Json = _ADAPTER.dump_python(one, mode="json", fallback=dict, warnings=False)
    return kept


def restored(turn: Json) -> Stored | None:
    try:
        return _ADAPTER.validate_python(turn)
    except ValidationError:
        return None


def asked_of(turn: Stored, screen: Screen) -> Asked:
    return Asked(
        turn.question, turn.text, screen, turn.mode, turn.answer, turn.draft, turn.places,
        turn.has_larger,
    )  # fmt: skip


# --- a turn that was cut off with the process


def at_rest(elements: list[Json]) -> None:
    """Take out what says that something goes on."""
    elements[:] = [one for one in elements if one.get("name") != "Working"]


def interrupted(turn_id: str, steps: Sequence[Json], sentence: str) -> list[Json]:
    """The steps of a turn that was under way as they are to be shown, ``sentence`` at their end."""
    ended = [
        {**step, "streaming": False, "end": step.get("end") or step.get("start")}
        for step in _after(turn_id, steps)
    ]
    answers = [step for step in ended if step.get("type") == "assistant_message"]
    for last in answers[-1:]:
        came = str(last.get("output") or "")
        last["output"] = f"{came}\n\n*{sentence}*" if came else f"*{sentence}*"
    return ended


def _after(turn_id: str, steps: Sequence[Json]) -> Iterator[Json]:
    """Up to the next question."""
    ids = [step.get("id") for step in steps]
    if turn_id in ids:
        later = steps[ids.index(turn_id) + 1 :]
        yield from takewhile(lambda step: step.get("type") != "user_message", later)
