from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from rag.errors import ProgramEnding, TooManyTurns
from rag.turnstile import Turnstile

pytestmark = pytest.mark.anyio


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def turning(turnstile: Turnstile, person: str, end: asyncio.Event) -> Callable[[], list[str]]:
    """A turn that goes on until ``end``; what has happened to it."""
    told: list[str] = []

    async def turn() -> None:
        try:
            async with turnstile.turn(person):
                told.append("begun")
                await end.wait()
                told.append("ended")
        except TooManyTurns as exc:
            told.append(str(exc))

    task = asyncio.create_task(turn())
    return lambda: told if not task.cancelled() else ["cancelled"]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nobody_else_waits_when_one_person_floods() -> None:
    turnstile, end = Turnstile(at_once=2, waiting=3, per_minute=0), asyncio.Event()
    flood = [turning(turnstile, "flooder", end) for _ in range(50)]
    other = turning(turnstile, "other", end)
    await settle()
    assert other() == ["begun"]
    told = [one() for one in flood]
    assert told[:5] == [["begun"], ["begun"], [], [], []]
    refusal = (
        "5 questions of yours are being answered already. Wait for one of them, then ask again."
    )
    assert told[5:] == [[refusal]] * 45
    end.set()
    await settle()
    assert [one() for one in flood[:5]] == [["begun", "ended"]] * 5


async def test_turns_begin_in_the_order_they_came_when_they_wait() -> None:
    turnstile = Turnstile(at_once=1, waiting=3, per_minute=0)
    ends = [asyncio.Event() for _ in range(3)]
    turns = [turning(turnstile, "one", end) for end in ends]
    await settle()
    assert [one() for one in turns] == [["begun"], [], []]
    ends[0].set()
    await settle()
    assert [one() for one in turns] == [["begun", "ended"], ["begun"], []]


async def test_a_sentence_says_how_long_to_wait_when_a_minute_is_used_up() -> None:
    clock = Clock()
    turnstile = Turnstile(at_once=2, waiting=2, per_minute=2, clock=clock)
    for _ in range(2):
        async with turnstile.turn("one"):
            clock.now_s += 10
    with pytest.raises(TooManyTurns, match=r"2 questions within a minute.* in 40 sec") as refused:
        async with turnstile.turn("one"):
            pass
    assert refused.value.wait_s == 40
    clock.now_s += 40
    async with turnstile.turn("one"):
        pass


async def test_a_place_is_free_again_when_a_turn_fails() -> None:
    turnstile = Turnstile(at_once=1, waiting=0, per_minute=0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with turnstile.turn("one"):
                raise ZeroDivisionError


async def test_nothing_is_kept_of_a_person_when_a_minute_has_gone() -> None:
    clock = Clock()
    turnstile = Turnstile(at_once=1, waiting=0, per_minute=9, clock=clock)
    for number in range(100):
        async with turnstile.turn(str(number)):
            pass
    clock.now_s += 61
    async with turnstile.turn("last"):
        assert list(turnstile._lines) == ["last"]


async def test_turns_under_way_end_and_none_begins_when_it_is_shut() -> None:
    turnstile, end = Turnstile(at_once=1, waiting=1, per_minute=0), asyncio.Event()
    under_way, waiting = (turning(turnstile, "one", end) for _ in range(2))
    await settle()
    shutting = asyncio.create_task(turnstile.shut())
    await settle()
    with pytest.raises(ProgramEnding, match="being ended or restarted"):
        async with turnstile.turn("another"):
            pass
    assert not shutting.done()
    end.set()
    await shutting
    assert (under_way(), waiting()) == (["begun", "ended"], ["begun", "ended"])


async def test_it_is_shut_at_once_when_nobody_has_a_turn() -> None:
    await Turnstile(at_once=1, waiting=1, per_minute=0).shut()
