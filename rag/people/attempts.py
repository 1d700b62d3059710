"""How often a login may fail: counts in, yes or no out. Kept in memory, forgotten with time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 300.0
FROM_ONE_ADDRESS = 20  # failures in a window
OF_ONE_NAME_THERE = 5  # from one address: nobody can lock another person out from elsewhere
OF_ONE_NAME = 50  # from anywhere
_MOST_KEYS = 100_000


class Attempts:
    """Failed logins of the last minutes, by address and by name."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: dict[tuple[str, str], deque[float]] = {}

    def may_try(self, address: str, name: str) -> bool:
        return all(self._count(key) < most for key, most in _limits(address, name))

    def failed(self, address: str, name: str) -> None:
        if len(self._failures) > _MOST_KEYS:
            self._failures = {key: times for key in self._failures if (times := self._recent(key))}
        for key, _ in _limits(address, name):
            self._failures.setdefault(key, deque()).append(self._now())

    def succeeded(self, address: str, name: str) -> None:
        """A mistyped password no longer counts."""
        self._failures.pop((address, name), None)

    def _count(self, key: tuple[str, str]) -> int:
        return len(self._recent(key))

    def _recent(self, key: tuple[str, str]) -> deque[float]:
        times = self._failures.get(key, deque())
        while times and times[0] <= self._now() - WINDOW_S:
            times.popleft()
        return times


def _limits(address: str, name: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (
        ((address, ""), FROM_ONE_ADDRESS),
        ((address, name), OF_ONE_NAME_THERE),
        (("", name), OF_ONE_NAME),
    )
