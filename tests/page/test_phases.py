from __future__ import annotations

from typing import Any

from rag.page.phases import Pace, Patience, Work
from rag.page.wording import Wording
from rag.types import AnswerEvent, Confidence, Delta, Escalated, Judged, Working

ENGLISH = Wording("en")
JUDGED = Judged(Confidence(0.9, "accept", {}, ()))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def at_work(pace: Pace | None = None) -> tuple[Work, Clock]:
    clock = Clock()
    return Work(pace or Pace(), Patience(120, 30, 60), clock), clock


def line(work: Work, waits_for: str = "") -> dict[str, Any]:
    told = work.line(waits_for, ENGLISH)
    assert told is not None
    return told


def turn(pace: Pace, *timed: tuple[float, AnswerEvent]) -> tuple[Work, Clock]:
    """A turn in which each event came that many seconds after the one before."""
    work, clock = at_work(pace)
    for seconds, event in timed:
        clock.now += seconds
        work.hear(event)
    return work, clock


def test_nothing_is_said_when_all_goes_quickly() -> None:
    work, clock = at_work()
    clock.now += 0.3
    assert work.line("Loading m", ENGLISH) is None
    work.hear(Working("waiting", "m"))
    clock.now += 0.3
    assert work.line("", ENGLISH) is None


def test_each_phase_has_its_sentence_when_it_takes_long() -> None:
    work, clock = at_work()
    clock.now += 0.5
    assert line(work)["text"] == "Reading your documents"
    assert line(work, "Loading m: 40%")["text"] == "Loading m: 40% · your question is kept"
    for event, text in (
        (Working("loading", "m"), "Loading m"),
        (Working("waiting", "m"), "Waiting for the first word of m"),
        (Delta("", reasoning="Hm"), "m is thinking"),
    ):
        work.hear(event)
        clock.now += 1
        assert (line(work)["text"], line(work)["elapsed_s"]) == (text, 1)


def test_words_speak_for_themselves_until_they_stop_coming() -> None:
    work, clock = turn(Pace(), (0, Working("waiting", "m")), (1, Delta("Yes")))
    clock.now += 1
    assert work.line("", ENGLISH) is None
    clock.now += 2
    told = line(work)
    assert (told["text"], told["elapsed_s"]) == ("m has paused", 3)
    assert told["gives_up"] == "given up at 30 s"
    work.hear(JUDGED)
    clock.now += 5
    assert work.line("", ENGLISH) is None


def test_a_slow_model_is_not_said_to_pause_at_each_word() -> None:
    slow = ((0, Working("waiting", "m")), (1, Delta("Yes")), (3, Delta(" it")))
    work, clock = turn(Pace(), *slow)
    clock.now += 5
    assert work.line("", ENGLISH) is None
    clock.now += 1
    assert line(work)["text"] == "m has paused"


def test_the_usual_time_is_told_when_earlier_turns_of_the_chat_gave_one() -> None:
    pace = Pace()
    for seconds in (2.0, 9.0, 2.25):
        turn(pace, (0, Working("waiting", "m")), (seconds, Delta("Yes")), (1, JUDGED))
    work, clock = turn(pace, (0, Working("waiting", "m")))
    clock.now += 1
    assert line(work)["usual"] == "usually 2 s"
    assert line(work)["late_s"] == 7.25
    assert line(work)["gives_up"] == "given up at 120 s"
    other, clock = turn(pace, (0, Working("waiting", "other")))
    clock.now += 1
    assert (line(other)["usual"], line(other)["late_s"]) == ("", 10)


def test_a_first_word_is_not_usual_when_the_model_had_to_be_loaded() -> None:
    pace = Pace()
    turn(pace, (0, Working("loading", "m")), (5, Working("waiting", "m")), (9, Delta("Yes")))
    assert pace.usual_s("waiting", "m") is None
    assert pace.usual_s("loading", "m") == 5


def test_the_limit_of_an_escalation_is_told_when_it_comes_first() -> None:
    escalated = Escalated("Draft", "large", ())
    work, clock = turn(Pace(), (0, escalated), (20, Working("waiting", "large")))
    clock.now += 1
    assert line(work)["gives_up"] == "given up at 40 s"


def test_a_persons_time_does_not_count_when_they_were_asked() -> None:
    work, clock = at_work()
    clock.now += 60
    work.rest()
    assert work.line("", ENGLISH) is None
