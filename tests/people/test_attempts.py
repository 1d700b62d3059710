from __future__ import annotations

import pytest

from rag.people.attempts import WINDOW_S, Attempts


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(attempts: Attempts, times: int, address: str, name: str) -> None:
    for _ in range(times):
        assert attempts.may_try(address, name)
        attempts.failed(address, name)


def test_a_name_is_held_up_when_it_failed_too_often_from_one_address(
    attempts: Attempts, clock: Clock
) -> None:
    fail(attempts, 5, "10.0.0.1", "ann")
    assert not attempts.may_try("10.0.0.1", "ann")
    assert attempts.may_try("10.0.0.1", "bo")
    assert attempts.may_try("10.0.0.2", "ann")  # the person themselves, from elsewhere
    clock.now_s += WINDOW_S
    assert attempts.may_try("10.0.0.1", "ann")


def test_an_address_is_held_up_when_it_tries_many_names(attempts: Attempts) -> None:
    for number in range(20):
        fail(attempts, 1, "10.0.0.1", f"name {number}")
    assert not attempts.may_try("10.0.0.1", "another")
    assert attempts.may_try("10.0.0.2", "another")


def test_a_name_is_held_up_when_many_addresses_try_it(attempts: Attempts) -> None:
    for number in range(50):
        fail(attempts, 1, f"10.0.0.{number}", "ann")
    assert not attempts.may_try("10.1.0.1", "ann")
    assert attempts.may_try("10.1.0.1", "bo")


def test_mistyping_is_forgotten_when_the_password_was_right_at_last(attempts: Attempts) -> None:
    fail(attempts, 4, "10.0.0.1", "ann")
    attempts.succeeded("10.0.0.1", "ann")
    fail(attempts, 5, "10.0.0.1", "ann")
    assert not attempts.may_try("10.0.0.1", "ann")
