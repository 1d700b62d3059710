"""What a mode does next: how search and the goes so far were judged in, the next tier out.

Pure decisions. Whether a draft can stand is decided in confidence.py, whether polishing it pays in
refining.py. Why so: docs/decisions/0055-modes.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering import confidence
from rag.answering.citations import without_marks
from rag.answering.evidence import Found
from rag.answering.refusals import refuses
from rag.types import Confidence, Mode, Tier, Verdict


@dataclass(frozen=True, slots=True)
class Gone:
    """A model's go that is over."""

    tier: Tier
    verdict: Verdict | None  # None: it failed
    pays_to_polish: bool = False


def opening(mode: Mode, found: Found) -> Confidence | None:
    """The judgement before a word is written; None for a mode that leaves no choice."""
    if mode in {"slm", "llm"} and found.hits:
        return None
    return confidence.before(found)


def following(
    mode: Mode, before: Verdict, gone: Sequence[Gone] = (), *, has_llm: bool = True
) -> Tier | None:
    """Who goes next, None when the turn is over.

    >>> following("auto", "accept"), following("auto", "accept", [Gone("slm", "escalate")])
    ('slm', 'llm')
    """
    if before == "not_in_documents":
        return None
    match list(gone):
        case []:
            straight = mode == "llm" or (mode == "auto" and before == "escalate")
            return "llm" if straight and has_llm else "slm"
        case [Gone("slm") as draft] if has_llm and _goes_on(mode, draft):
            return "llm"
        case [Gone("llm", None)] if mode == "auto":
            return "slm"
    return None


def settled(judged: Confidence, tier: Tier, text: str) -> Confidence:
    """The larger model's word is the last: what it does not find, the documents do not hold."""
    if tier == "llm" and refuses(without_marks(text)):
        return replace(judged, verdict="not_in_documents")
    return judged


def standing(mode: Mode, judged: Confidence, gone: Sequence[Gone]) -> Confidence:
    """The judgement on the answer that stands: a draft whose polish was due and did not come,
    because nobody could be asked or it failed, is uncertain."""
    match list(gone):
        case [Gone("slm", "accept", True), *polish] if mode == "refine":
            if all(one.verdict is None for one in polish):
                return replace(judged, verdict="escalate")
    return judged


def declines(mode: Mode, verdict: Verdict) -> bool:
    """Whether the turn ends by saying so; a tier asked for alone keeps its own words."""
    return verdict == "not_in_documents" and mode in {"auto", "refine"}


def is_watched(mode: Mode, tier: Tier, *, may_escalate: bool) -> bool:
    """Whether a draft that is bound to fail is stopped: only where another can take its place."""
    return mode == "auto" and tier == "slm" and may_escalate


def _goes_on(mode: Mode, draft: Gone) -> bool:
    """A failed draft goes to the larger model; so does a doubtful one, or one worth polishing."""
    if mode not in {"auto", "refine"} or draft.verdict == "not_in_documents":
        return False
    if draft.verdict is None:
        return True
    return draft.pays_to_polish if mode == "refine" else draft.verdict == "escalate"
