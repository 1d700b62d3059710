from __future__ import annotations

import asyncio

import pytest

from rag.page.meanwhile import meanwhile

pytestmark = pytest.mark.anyio


async def tick(ticks: list[int]) -> None:
    while True:
        ticks.append(len(ticks))
        await asyncio.sleep(0)


async def test_work_goes_on_and_ends_when_the_body_does() -> None:
    ticks: list[int] = []
    async with meanwhile(tick(ticks)) as task:
        for _ in range(3):
            await asyncio.sleep(0)
    assert task.cancelled()
    assert ticks[:2] == [0, 1]


async def test_the_bodys_error_stays_when_work_is_ended() -> None:
    with pytest.raises(KeyError):
        async with meanwhile(tick([])):
            raise KeyError


async def test_being_cancelled_is_passed_on_when_work_is_ended() -> None:
    async def body() -> None:
        async with meanwhile(tick([])):
            await asyncio.sleep(3600)

    running = asyncio.create_task(body())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_works_error_is_raised_when_the_body_is_done() -> None:
    async def fail() -> None:
        raise KeyError

    async def body() -> None:
        async with meanwhile(fail()):
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    with pytest.raises(KeyError):
        await body()
