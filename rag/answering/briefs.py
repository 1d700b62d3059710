"""What a briefing is: the values that its run (briefing.py) gives, and what all of it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from rag.answering.statements import Statement
from rag.types import Answer, Energy, Failed, Latency, Mode, Usage

Kind = Literal["document", "topic"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A document to be briefed on."""

    id: str
    name: str
    language: str = ""  # ISO 639-1; "" when not detected
    is_priority: bool = False


@dataclass(frozen=True, slots=True)
class BriefingTurn:
    """What one question took; ``route`` tells who had the last word."""

    question: str
    route: str  # as of an Answer, or "failed"
    model: str
    latency: Latency
    usage: Mapping[str, Usage]
    cost_usd: float | None
    energy: Energy | None
    note: str = ""  # why it failed, or what was lost, as sentences


@dataclass(frozen=True, slots=True)
class BriefingSection:
    title: str
    kind: Kind
    is_refined: bool  # the larger model was to refine it
    statements: tuple[Statement, ...]
    about: str = ""  # what a model says the whole is about, in words that no passage backs
    figures: tuple[Statement, ...] = ()
    open_points: tuple[Statement, ...] = ()  # that the documents themselves call open
    left_out: tuple[str, ...] = ()  # sentences that a model wrote and no passage backs
    unanswered: tuple[str, ...] = ()  # questions that the documents do not answer
    turns: tuple[BriefingTurn, ...] = ()

    @property
    def lead(self) -> Statement | None:
        """The sentence that stands for it in the summary."""
        return next(iter((*self.statements, *self.figures)), None)


@dataclass(frozen=True, slots=True)
class Briefing:
    sections: tuple[BriefingSection, ...] = ()
    missing: tuple[str, ...] = ()  # titles of sections that were not come to
    unread: tuple[str, ...] = ()  # files that could not be read, and why, a sentence each

    @property
    def turns(self) -> tuple[BriefingTurn, ...]:
        return tuple(turn for section in self.sections for turn in section.turns)


# --- events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asking:
    """A question is put: ``done`` of ``total`` have been."""

    title: str  # of its section
    question: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Turned:
    """A question was answered, or not; for the ledger."""

    end: Answer | Failed
    mode: Mode


@dataclass(frozen=True, slots=True)
class SectionDone:
    section: BriefingSection
    briefing: Briefing  # so far


@dataclass(frozen=True, slots=True)
class Briefed:
    """The last event."""

    briefing: Briefing


BriefingEvent = Asking | Turned | SectionDone | Briefed


# --- what all of it took ---------------------------------------------------------------------


def latency(turns: Iterable[BriefingTurn]) -> Latency:
    """By stage; a stage that no turn had stays unknown."""
    spent: dict[str, float] = {}
    for turn in turns:
        for stage in fields(Latency):
            ms = getattr(turn.latency, stage.name)
            if ms is not None:
                spent[stage.name] = spent.get(stage.name, 0.0) + ms
    return Latency(**spent)


def usage(turns: Iterable[BriefingTurn]) -> dict[str, Usage]:
    """By model."""
    used: dict[str, Usage] = {}
    for turn in turns:
        for model, one in turn.usage.items():
            before = used.get(model, Usage(0, 0, estimated=False))
            used[model] = Usage(
                before.prompt_tokens + one.prompt_tokens,
                before.completion_tokens + one.completion_tokens,
                before.estimated or one.estimated,
            )
    return used


def cost_usd(turns: Iterable[BriefingTurn]) -> float | None:
    """None when that of one turn is not known."""
    total = 0.0
    for turn in turns:
        if turn.cost_usd is None:
            return None
        total += turn.cost_usd
    return total
