"""What escalation saves: the ledger's entries in, rates, times and money out.

"Always asking the larger model" is an estimate from the ledger itself: for every turn the time of
its search plus what the larger model takes (larger.py).

A moved threshold is replayed over turns in mode ``auto`` whose draft was judged on its value: those
below the threshold would have escalated. Turns without such a draft stay as they were.

``None`` means that there is nothing to tell it from; a note then says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rag.measuring import tallies
from rag.measuring.entries import Entry
from rag.measuring.larger import Larger, search_ms
from rag.measuring.tallies import (
    EnergyFigures,
    FirstToken,
    Left,
    departures,
    energies,
    first_tokens,
)
from rag.types import Reach

THRESHOLDS = tuple(tenths / 10 for tenths in range(1, 10))


@dataclass(frozen=True, slots=True)
class RouteFigures:
    turns: int
    median_ms: float | None


@dataclass(frozen=True, slots=True)
class TokenFigures:
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Always:
    """All turns, had the larger model answered each."""

    model: str
    from_turns: int  # that the estimate rests on
    ms: float | None
    usd: float | None
    saved_ms: float | None  # below 0: it was slower, or dearer, than always asking
    saved_usd: float | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Mode ``auto``'s turns, had drafts below ``threshold`` been escalated and no others."""

    threshold: float
    escalation_rate: float
    ms: float | None
    usd: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    turns: int  # that ended with an answer; other figures are of these, where nothing else is said
    failed: int  # that did not
    kept: int  # whose draft was taken back in place of the larger model's answer
    first_at: float | None  # seconds since 1970, UTC
    last_at: float | None
    auto_turns: int
    auto_ms: float | None  # of all turns in mode auto together
    auto_usd: float | None
    escalation_rate: float | None  # shares of turns in mode auto
    decline_rate: float | None
    routes: Mapping[str, RouteFigures]
    tokens: Mapping[str, TokenFigures]  # by model
    failed_tokens: Mapping[str, TokenFigures]  # of turns without an answer
    first_token: Mapping[str, FirstToken]  # by model
    energy: EnergyFigures | None  # None: no model on this machine worked
    left: Mapping[Reach, Left]  # prompts of all turns, those without an answer included
    ms: float | None  # of all turns together
    usd: float | None
    always_llm: Always | None
    thresholds: tuple[Moved, ...]  # none without a draft to replay
    notes: tuple[str, ...]  # sentences: what cannot be told, and what to do


def figures(noted: Sequence[Entry], larger: Larger | None) -> Figures:
    """``noted`` in the order of time; ``larger`` may be known from more turns than these."""
    entries = [entry for entry in noted if entry.route != "failed"]
    auto = [entry for entry in entries if entry.mode == "auto"]
    energy = energies(entries)
    return Figures(
        turns=len(entries),
        failed=len(noted) - len(entries),
        kept=sum(entry.is_kept for entry in entries),
        first_at=entries[0].at if entries else None,
        last_at=entries[-1].at if entries else None,
        auto_turns=len(auto),
        auto_ms=_total(entry.latency.total_ms for entry in auto),
        auto_usd=_total(entry.cost_usd for entry in auto),
        escalation_rate=_share(bool(entry.llm) for entry in auto),
        decline_rate=_share(entry.route == "declined" for entry in auto),
        routes=_routes(entries),
        tokens=_tokens(entries),
        failed_tokens=_tokens(entry for entry in noted if entry.route == "failed"),
        first_token=first_tokens(entries),
        energy=energy,
        left=departures(noted),
        ms=_total(entry.latency.total_ms for entry in entries),
        usd=_total(entry.cost_usd for entry in entries),
        always_llm=_always(entries, larger) if larger and entries else None,
        thresholds=tuple(_moved(auto, larger)),
        notes=(*_notes(entries, larger), *tallies.notes(noted, energy)),
    )


def _routes(entries: Sequence[Entry]) -> dict[str, RouteFigures]:
    counts = Counter(entry.route for entry in entries)
    times_ms = {
        route: [
            entry.latency.total_ms
            for entry in entries
            if entry.route == route and entry.latency.total_ms is not None
        ]
        for route in counts
    }
    return {
        route: RouteFigures(turns, median(times_ms[route]) if times_ms[route] else None)
        for route, turns in counts.most_common()
    }


def _tokens(entries: Iterable[Entry]) -> dict[str, TokenFigures]:
    prompt, completion = Counter[str](), Counter[str]()
    for entry in entries:
        for model, used in entry.usage.items():
            prompt[model] += used.prompt_tokens
            completion[model] += used.completion_tokens
    return {model: TokenFigures(prompt[model], completion[model]) for model in sorted(prompt)}


# --- had the larger model answered each ------------------------------------------------------


def _always(entries: Sequence[Entry], larger: Larger) -> Always:
    always_ms = _total(_plus(search_ms(entry), larger.ms(entry)) for entry in entries)
    always_usd = _total(larger.usd(entry) for entry in entries)
    spent_ms = _total(entry.latency.total_ms for entry in entries)
    spent_usd = _total(entry.cost_usd for entry in entries)
    return Always(
        larger.model,
        larger.turns,
        always_ms,
        always_usd,
        _minus(always_ms, spent_ms),
        _minus(always_usd, spent_usd),
    )


# --- had the threshold been another ----------------------------------------------------------


def _moved(auto: Sequence[Entry], larger: Larger | None) -> Iterator[Moved]:
    if not any(map(_is_judged_by_value, auto)):
        return
    for threshold in THRESHOLDS:
        escalates = [_would_escalate(entry, threshold) for entry in auto]
        turns = list(zip(auto, escalates, strict=True))
        yield Moved(
            threshold,
            sum(escalates) / len(auto),
            _total(_moved_ms(entry, escalated, larger) for entry, escalated in turns),
            _total(_moved_usd(entry, escalated, larger) for entry, escalated in turns),
        )


def _is_judged_by_value(entry: Entry) -> bool:
    return entry.draft_confidence is not None and entry.draft_verdict != "not_in_documents"


def _would_escalate(entry: Entry, threshold: float) -> bool:
    if entry.draft_confidence is None or not _is_judged_by_value(entry):
        return bool(entry.llm)
    return entry.draft_confidence < threshold


def _moved_ms(entry: Entry, escalated: bool, larger: Larger | None) -> float | None:
    total_ms = entry.latency.total_ms
    if escalated == bool(entry.llm):
        return total_ms
    if escalated:
        return _plus(total_ms, larger.ms(entry) if larger else None)
    return _minus(total_ms, entry.latency.escalate_ms)


def _moved_usd(entry: Entry, escalated: bool, larger: Larger | None) -> float | None:
    if escalated == bool(entry.llm):
        return entry.cost_usd
    extra_usd = larger.usd(entry) if larger else None
    return _plus(entry.cost_usd, extra_usd) if escalated else _minus(entry.cost_usd, extra_usd)


# --- parts -----------------------------------------------------------------------------------


def _notes(entries: Sequence[Entry], larger: Larger | None) -> Iterator[str]:
    if not entries:
        yield "No answer has been noted in this time: ask something, then look again."
    elif larger is None:
        yield (
            "The larger model has not answered yet, so what always asking it would take cannot be "
            "estimated: `python -m rag ask … --mode llm` asks it."
        )
    elif larger.price is None:
        yield (
            f"Money is not known for {larger.model}: it is in no list of prices, or its price is "
            "over a year old. See `python -m rag prices`."
        )
    unpriced = sum(entry.cost_usd is None for entry in entries)
    if unpriced:
        yield (
            f"{unpriced} of {len(entries)} turns went to a model that had no price then, that "
            "never answered, or whose electricity was not known, so the sum spent is not known: a "
            "price you set counts from the next turn on."
        )


def _share(of: Iterable[bool]) -> float | None:
    flags = list(of)
    return sum(flags) / len(flags) if flags else None


def _total(amounts: Iterable[float | None]) -> float | None:
    """None when one of them is unknown."""
    total = 0.0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
