"""The circuit breaker, on a clock that only the tests turn."""

from __future__ import annotations

import pytest

from rag.models.breaker import Breaker, Breakers, Refusal


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def test_all_requests_pass_when_none_has_failed(breaker: Breaker) -> None:
    assert breaker.refusal("a") is None
    assert breaker.refusal("b") is None


def test_requests_are_refused_when_one_has_failed(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("a")
    clock.now_s += 3
    assert breaker.refusal("b") == Refusal(silent_s=3, again_in_s=7)


def test_one_trial_passes_at_a_time_when_the_pause_is_over(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("a")
    clock.now_s += 10
    assert breaker.refusal("b") is None
    assert breaker.refusal("c") == Refusal(silent_s=10, again_in_s=0)


def test_all_requests_pass_again_when_a_trial_succeeds(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("a")
    clock.now_s += 10
    breaker.refusal("b")
    breaker.succeeded()
    assert breaker.refusal("c") is None
    assert breaker.refusal("d") is None
    breaker.failed("d")
    assert breaker.refusal("e") == Refusal(silent_s=0, again_in_s=10)


def test_pause_doubles_up_to_five_minutes_when_trials_fail(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("a")
    pauses_s = []
    for trial in range(7):
        refused = breaker.refusal("another")
        assert refused is not None
        pauses_s.append(refused.again_in_s)
        clock.now_s += refused.again_in_s
        assert breaker.refusal(trial) is None
        breaker.failed(trial)
    assert pauses_s == [10, 20, 40, 80, 160, 300, 300]
    assert breaker.refusal("z") == Refusal(silent_s=910, again_in_s=300)


def test_pause_is_the_same_when_requests_fail_together(breaker: Breaker) -> None:
    for request in "abc":
        breaker.failed(request)
    assert breaker.refusal("d") == Refusal(silent_s=0, again_in_s=10)


def test_next_one_is_the_trial_when_a_trial_was_left(breaker: Breaker, clock: Clock) -> None:
    breaker.failed("a")
    clock.now_s += 10
    breaker.refusal("b")
    breaker.left("another")
    assert breaker.refusal("c") is not None
    breaker.left("b")
    assert breaker.refusal("d") is None


def test_one_passes_at_once_when_a_person_asks(breaker: Breaker) -> None:
    breaker.failed("a")
    breaker.retry_now()
    assert breaker.refusal("b") is None
    assert breaker.refusal("c") is not None
    breaker.failed("b")
    assert breaker.refusal("d") == Refusal(silent_s=0, again_in_s=20)


def test_models_share_one_breaker_when_they_are_of_one_server() -> None:
    breakers = Breakers()
    assert breakers.of("http://h:1/v1/") is breakers.of("http://h:1/v1")
    assert breakers.of("http://h:1/v1") is not breakers.of("http://h:2/v1")
