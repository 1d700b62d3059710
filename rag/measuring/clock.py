"""Time of one turn, cut into stages without gaps: laps in, a ``Latency`` out.

Every moment belongs to exactly one lap, so the parts add up to the total. Knows nothing of what the
stages do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from rag.types import Latency

Stage = Literal["retrieve", "pack", "queue", "first_token", "generate", "check", "escalate"]

_NS_PER_US = 1_000


class Clock:
    """Runs from its construction on. ``now_ns`` is any clock that never goes back, in ns."""

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._now_ns = now_ns
        self._last_us = self._now_us()
        self._laps_us: dict[Stage, int] = {}

    def lap(self, stage: Stage) -> None:
        """All since the last lap was ``stage``; a stage may come again, and is then added up."""
        now_us = self._now_us()
        self._laps_us[stage] = self._laps_us.get(stage, 0) + now_us - self._last_us
        self._last_us = now_us

    def latency(self) -> Latency:
        """The laps so far in milliseconds, to the microsecond; a stage without a lap is None."""
        parts = {f"{stage}_ms": lap_us / 1_000 for stage, lap_us in self._laps_us.items()}
        total_us = sum(self._laps_us.values()) if self._laps_us else None
        return Latency(**parts, total_ms=None if total_us is None else total_us / 1_000)

    def _now_us(self) -> int:
        # Whole microseconds: differences of integers add up exactly, whatever the order.
        return self._now_ns() // _NS_PER_US
