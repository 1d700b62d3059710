"""Every path of every mode, as a table."""

from __future__ import annotations

import pytest
from answering.passages import chunk, hits

from rag.answering.confidence import Found
from rag.answering.modes import Gone, declines, following, is_watched, opening, settled, standing
from rag.retrieval.index import Statistics
from rag.types import Confidence, Mode, Query, Tier, Verdict

DOUBTED, FINE, ABSENT = (
    Gone("slm", "escalate"),
    Gone("slm", "accept"),
    Gone("slm", "not_in_documents"),
)
SLM_FAILED, LLM_FAILED, LLM_DONE = Gone("slm", None), Gone("llm", None), Gone("llm", "accept")
PAYS = Gone("slm", "accept", pays_to_polish=True)


@pytest.mark.parametrize(
    ("mode", "before", "gone", "with_llm", "without"),
    [
        # auto
        ("auto", "accept", [], "slm", "slm"),
        ("auto", "escalate", [], "llm", "slm"),
        ("auto", "not_in_documents", [], None, None),
        ("auto", "accept", [FINE], None, None),
        ("auto", "accept", [DOUBTED], "llm", None),
        ("auto", "accept", [ABSENT], None, None),
        ("auto", "accept", [SLM_FAILED], "llm", None),
        ("auto", "accept", [DOUBTED, LLM_DONE], None, None),
        ("auto", "accept", [DOUBTED, LLM_FAILED], None, None),
        ("auto", "escalate", [LLM_DONE], None, None),
        ("auto", "escalate", [LLM_FAILED], "slm", "slm"),
        ("auto", "escalate", [LLM_FAILED, DOUBTED], None, None),
        ("auto", "accept", [PAYS], None, None),
        # one tier alone
        ("slm", "accept", [], "slm", "slm"),
        ("slm", "accept", [DOUBTED], None, None),
        ("slm", "accept", [SLM_FAILED], None, None),
        ("llm", "accept", [], "llm", "slm"),
        ("llm", "accept", [LLM_FAILED], None, None),
        ("llm", "accept", [DOUBTED], None, None),
        # refine
        ("refine", "accept", [], "slm", "slm"),
        ("refine", "escalate", [], "slm", "slm"),
        ("refine", "not_in_documents", [], None, None),
        ("refine", "accept", [FINE], None, None),
        ("refine", "accept", [PAYS], "llm", None),
        ("refine", "accept", [ABSENT], None, None),
        ("refine", "accept", [SLM_FAILED], "llm", None),
        ("refine", "accept", [PAYS, LLM_FAILED], None, None),
        ("refine", "accept", [PAYS, LLM_DONE], None, None),
    ],
)
def test_the_mode_says_who_goes_next_when_goes_are_over(
    mode: Mode, before: Verdict, gone: list[Gone], with_llm: Tier | None, without: Tier | None
) -> None:
    assert following(mode, before, gone, has_llm=True) == with_llm
    assert following(mode, before, gone, has_llm=False) == without


@pytest.mark.parametrize("mode", ["auto", "refine", "slm", "llm"])
def test_nobody_is_asked_when_nothing_was_found(mode: Mode) -> None:
    judged = opening(mode, Found("Why?", Query("Why?"), (), Statistics(0, 0, {})))
    assert judged is not None
    assert judged.verdict == "not_in_documents"
    assert following(mode, judged.verdict) is None


@pytest.mark.parametrize(("mode", "looks"), [("auto", True), ("refine", True), ("slm", False)])
def test_what_was_found_is_judged_when_the_mode_leaves_a_choice(mode: Mode, looks: bool) -> None:
    found = Found("Sky?", Query("Sky?"), hits(chunk("The sky.")), Statistics(1, 1, {}))
    assert (opening(mode, found) is not None) == looks


def test_a_refusal_is_the_last_word_when_it_is_the_larger_models() -> None:
    doubted = Confidence(0.2, "escalate", {}, ())
    refusal = "The passages do not mention it [1]."
    assert settled(doubted, "llm", refusal).verdict == "not_in_documents"
    assert settled(doubted, "slm", refusal).verdict == "escalate"
    assert settled(doubted, "llm", "It is blue.").verdict == "escalate"


@pytest.mark.parametrize(
    ("mode", "gone", "verdict"),
    [
        ("refine", [PAYS], "escalate"),  # nobody could be asked
        ("refine", [PAYS, LLM_FAILED], "escalate"),
        ("refine", [PAYS, LLM_DONE], "accept"),
        ("refine", [PAYS, Gone("llm", "escalate")], "accept"),  # worse than the draft
        ("refine", [FINE], "accept"),
        ("auto", [PAYS], "accept"),
        ("slm", [PAYS], "accept"),
    ],
)
def test_a_draft_is_uncertain_when_its_polish_was_due_and_did_not_come(
    mode: Mode, gone: list[Gone], verdict: Verdict
) -> None:
    assert standing(mode, Confidence(0.9, "accept", {}, ()), gone).verdict == verdict


def test_a_tier_keeps_its_own_words_when_it_was_asked_for_alone() -> None:
    declining = [
        mode for mode in ("auto", "refine", "slm", "llm") if declines(mode, "not_in_documents")
    ]
    assert declining == ["auto", "refine"]
    assert not declines("auto", "escalate")


def test_a_draft_is_watched_when_another_model_can_take_over() -> None:
    assert is_watched("auto", "slm", may_escalate=True)
    assert not is_watched("auto", "slm", may_escalate=False)
    assert not is_watched("auto", "llm", may_escalate=True)
    assert not is_watched("slm", "slm", may_escalate=True)
