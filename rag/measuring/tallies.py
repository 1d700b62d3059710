"""What turns took beside time and money: entries in; first tokens, energy, prompts that left, out.

Turns that were noted before the ledger knew how far prompts travel count in none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from rag.measuring.entries import Entry
from rag.types import EnergySource, Reach, Tier


@dataclass(frozen=True, slots=True)
class FirstToken:
    """Median times from sending to the first token; cold is with the model loaded for the turn."""

    warm_turns: int
    warm_ms: float | None
    cold_turns: int
    cold_ms: float | None


@dataclass(frozen=True, slots=True)
class EnergyFigures:
    """Of the turns in which a model on this machine worked."""

    turns: int  # whose energy is known
    unknown_turns: int
    wh: float | None  # of the known ones together; None when there are none
    sources: tuple[EnergySource, ...]
    is_whole: bool  # else some were measured at the processors alone


@dataclass(frozen=True, slots=True)
class Left:
    """Turns whose prompts left this machine, those without an answer included."""

    turns: int
    uncounted_turns: int  # whose tokens nobody knows
    prompt_tokens: int  # of the others
    completion_tokens: int


def first_tokens(entries: Sequence[Entry]) -> dict[str, FirstToken]:
    """By model, of those that had the first word."""
    warm_ms, cold_ms = _first_ms(entries, is_cold=False), _first_ms(entries, is_cold=True)
    return {
        model: FirstToken(
            len(warm := warm_ms.get(model, [])),
            median(warm) if warm else None,
            len(cold := cold_ms.get(model, [])),
            median(cold) if cold else None,
        )
        for model in sorted({*warm_ms, *cold_ms})
    }


def _first_ms(entries: Iterable[Entry], *, is_cold: bool) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for entry in entries:
        tier: Tier = "llm" if entry.mode == "llm" else "slm"
        part, first_ms = entry.parts.get(tier), entry.latency.first_token_ms
        if part and part.is_cold == is_cold and first_ms is not None:
            found.setdefault(_model(entry, tier), []).append(first_ms)
    return found


def energies(entries: Iterable[Entry]) -> EnergyFigures | None:
    """None when no model on this machine worked."""
    here = [
        [part.energy for part in entry.parts.values() if part.reach == "machine"]
        for entry in entries
    ]
    worked = [turn for turn in here if turn]
    known = [energy for turn in worked if None not in turn for energy in turn if energy]
    unknown_turns = sum(None in turn for turn in worked)
    if not worked:
        return None
    return EnergyFigures(
        len(worked) - unknown_turns,
        unknown_turns,
        sum(energy.wh for energy in known) if known else None,
        tuple(sorted({energy.source for energy in known})),
        all(energy.is_whole for energy in known),
    )


def departures(noted: Iterable[Entry]) -> dict[Reach, Left]:
    """By how far prompts travelled; nothing of those that stayed here."""
    sent: dict[Reach, list[Entry]] = {}
    for entry in noted:
        for reach in sorted({part.reach for part in entry.parts.values()} - {"machine"}):
            sent.setdefault(reach, []).append(entry)
    return {reach: _left(entries, reach) for reach, entries in sorted(sent.items())}


def _left(entries: Sequence[Entry], reach: Reach) -> Left:
    asked = [(entry, _asked(entry, reach)) for entry in entries]
    used = [
        entry.usage[model] for entry, models in asked for model in models if model in entry.usage
    ]
    return Left(
        len(entries),
        sum(not entry.usage.keys() >= models for entry, models in asked),
        sum(one.prompt_tokens for one in used),
        sum(one.completion_tokens for one in used),
    )


def _asked(entry: Entry, reach: Reach) -> set[str]:
    return {_model(entry, tier) for tier, part in entry.parts.items() if part.reach == reach}


def _model(entry: Entry, tier: Tier) -> str:
    return entry.llm if tier == "llm" else entry.slm


def notes(noted: Sequence[Entry], energy: EnergyFigures | None) -> Iterator[str]:
    """What the figures do not tell, and what to do, a sentence each."""
    unplaced = sum(bool(entry.usage) and not entry.parts for entry in noted)
    if unplaced:
        yield (
            f"{unplaced} of {len(noted)} turns were noted by an earlier version, which did not "
            "tell how far prompts went nor what energy they took."
        )
    if energy and energy.unknown_turns:
        yield (
            f"The energy of {energy.unknown_turns} of {energy.turns + energy.unknown_turns} turns "
            "is not known, as no meter could be read: set RAG_WATTS to what this machine takes "
            "while a model works."
        )
    if energy and not energy.is_whole:
        yield "Energy was measured at the processors alone, so the machine took more."
