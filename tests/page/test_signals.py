from __future__ import annotations

from dataclasses import replace

import pytest

from rag.answering import confidence
from rag.page import signals
from rag.page.wording import Wording
from rag.types import Confidence, Weighed

ENGLISH, ROMANIAN = Wording("en"), Wording("ro")
NUMBERS = Weighed("grounded_numbers", 0.3, False, ("12", "40"))
UNKNOWN = Weighed("phase_of_the_moon", 0.3, False)


def judged(
    *weightiest: Weighed, reasons: tuple[str, ...] = (), verdict: str = "escalate"
) -> Confidence:
    return Confidence(0.5, verdict, {}, reasons, weightiest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weighed", "english", "romanian"),
    [
        (
            NUMBERS,
            "2 numbers not found in the sources: 12, 40",
            "2 numere nu apar în surse: 12, 40",
        ),
        (
            Weighed("grounded_numbers", 0.3, False, ("12",)),
            "1 number not found in the sources: 12",
            "1 număr nu apar în surse: 12",
        ),
        (
            Weighed("grounded_numbers", 0.3, False),
            "Numbers not found in the sources",
            "Numere negăsite în surse",
        ),
        (Weighed("varied", 1.0, True), "It does not repeat itself", "Nu se repetă"),
        (Weighed("varied", 0.1, False), "It repeats itself", "Se repetă"),
        (UNKNOWN, "", ""),
    ],
)
def test_a_signal_is_said_in_plain_words_when_it_is_known(
    weighed: Weighed, english: str, romanian: str
) -> None:
    assert signals.phrase(weighed, ENGLISH) == english
    assert signals.phrase(weighed, ROMANIAN) == romanian


def test_the_judges_own_sentence_is_taken_when_a_signal_has_no_words_here() -> None:
    confidence = judged(NUMBERS, UNKNOWN, reasons=("Two numbers.", "The moon is new."))
    assert signals.weightiest(confidence, ENGLISH) == [
        ("2 numbers not found in the sources: 12, 40", False),
        ("The moon is new", False),
    ]


def test_a_signals_name_is_shown_when_there_are_no_words_at_all() -> None:
    assert signals.weightiest(judged(UNKNOWN), ENGLISH) == [("phase of the moon", False)]


def test_three_reasons_are_told_when_no_signal_was_weighed() -> None:
    reasons = ("One.", "Two.", "Three.", "Four.")
    assert signals.weightiest(judged(reasons=reasons), ENGLISH) == [
        ("One", False), ("Two", False), ("Three", False),
    ]  # fmt: skip
    assert signals.weightiest(judged(verdict="accept", reasons=("Fine.",)), ENGLISH) == [
        ("Fine", True)
    ]
    assert signals.weightiest(judged(), ENGLISH) == []


def test_a_draft_is_set_aside_for_what_speaks_against_it_when_something_does() -> None:
    confidence = judged(Weighed("varied", 1.0, True), NUMBERS)
    assert signals.against(confidence, ("Reason.",), ENGLISH).startswith("2 numbers")
    assert signals.against(None, ("The connection broke.",), ENGLISH) == "The connection broke"
    assert signals.against(None, (), ENGLISH) == ""


def test_what_it_is_about_is_told_when_a_signal_says_so() -> None:
    missing = Weighed("subject", 0.1, False, ("kraken", "depth"))
    assert signals.phrase(missing, ENGLISH) == (
        "The documents hold too little of the question: kraken, depth"
    )
    assert signals.phrase(replace(UNKNOWN, details=("a",)), ENGLISH) == ""


def test_every_signal_of_the_judge_has_words_when_it_is_weighed() -> None:
    weighed = {"subject", *confidence.RULES, *confidence.OF_SEARCH} - {"collection_size"}
    assert weighed <= signals.ENGLISH.keys()
