"""A circuit breaker: a server that is dead costs one wait, not one for every question.

In goes what became of requests; out comes whether to send the next one. After a failure none is
sent for a while, then a single one as a trial; if that fails too, the pause doubles. It knows
neither what a request is nor which failures count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_FIRST_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Refusal:
    silent_s: float  # since the first failure in a row
    again_in_s: float  # 0: a trial is under way


class Breaker:
    """Every request is announced, as any object, and its outcome told."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._failures = 0  # in a row
        self._silent_since_s = self._again_at_s = 0.0
        self._trial: object = None

    def refusal(self, request: object) -> Refusal | None:
        """None: send it."""
        if not self._failures:
            return None
        now_s = self._now_s()
        if self._trial is None and now_s >= self._again_at_s:
            self._trial = request
            return None
        return Refusal(now_s - self._silent_since_s, max(0.0, self._again_at_s - now_s))

    def succeeded(self) -> None:
        self._failures, self._trial = 0, None

    def failed(self, request: object) -> None:
        if self._failures and request is not self._trial:
            return  # sent before it was known: it tells nothing new
        now_s = self._now_s()
        if not self._failures:
            self._silent_since_s = now_s
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._failures)
        self._failures += 1
        self._again_at_s, self._trial = now_s + pause_s, None

    def left(self, request: object) -> None:
        """It was given up, or told nothing: the next one may be the trial."""
        if request is self._trial:
            self._trial = None

    def retry_now(self) -> None:
        """A person asks: the pause is over, whatever a trial under way may come to."""
        self._again_at_s, self._trial = self._now_s(), None


@dataclass(frozen=True, slots=True)
class Breakers:
    """One for each server address, shared by all models of that server."""

    _by_address: dict[str, Breaker] = field(default_factory=dict)

    def of(self, base_url: str) -> Breaker:
        return self._by_address.setdefault(base_url.rstrip("/"), Breaker())
