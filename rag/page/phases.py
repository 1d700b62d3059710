"""What a turn is at, for how long, and how long that may take: events in, a line's properties out.

So that slow and stuck can be told apart. The seconds are counted where the line is shown
(``public/elements/Working.jsx``). It knows nothing of models or settings.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from rag.page.wording import Wording
from rag.types import AnswerEvent, Delta, Escalated, Judged, Phase, Working

Stage = Phase | Literal["reading", "silent", "done"]

TELLING: frozenset[Stage] = frozenset({"writing", "thinking"})  # while pieces come
CALM_S = 0.4  # what is over sooner is not shown at all
SILENT_S = 2.0  # without a word, while words should come
REMEMBERED = 5  # of the latest turns, for what is usual
LATE_S = 10.0  # where nothing is known to be usual


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited before a turn is given up, in seconds."""

    first_token_s: float = 120.0
    stall_s: float = 30.0
    escalation_s: float = 120.0


@dataclass
class Pace:
    """How long each phase of each model took in a chat."""

    _seconds: dict[tuple[Stage, str], list[float]] = field(default_factory=dict)

    def note(self, stage: Stage, model: str, seconds: float) -> None:
        known = self._seconds.setdefault((stage, model), [])
        known.append(seconds)
        del known[:-REMEMBERED]

    def usual_s(self, stage: Stage, model: str) -> float | None:
        known = self._seconds.get((stage, model))
        return statistics.median(known) if known else None


class Work:
    """One turn at work. ``hear`` every event; ``line`` says what to show just now."""

    def __init__(
        self, pace: Pace, patience: Patience, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._pace, self._patience, self._now = pace, patience, now
        self.stage: Stage = "reading"
        self._model = ""
        self._since = self._heard = now()
        self._longest_pause_s = 0.0  # between two pieces of this phase
        self._escalated: float | None = None  # when
        self._was_loaded = False  # just before, so that the first token tells nothing of the next

    def hear(self, event: AnswerEvent) -> None:
        if self.stage in TELLING:
            self._longest_pause_s = max(self._longest_pause_s, self._now() - self._heard)
        self._heard = self._now()
        match event:
            case Working(phase=phase, model=model):
                self._enter(phase, model)
            case Delta(text=text) if text:
                self._enter("writing", self._model)
            case Delta(reasoning=reasoning) if reasoning:
                self._enter("thinking", self._model)
            case Judged():
                self._enter("done", self._model)
            case Escalated(model=model):
                self._enter("reading", model)
                self._escalated = self._since

    def rest(self) -> None:
        """The time until now was a person's: it does not count."""
        self._since = self._heard = self._now()

    def line(self, waits_for: str, words: Wording) -> dict[str, Any] | None:
        """None while all goes quickly, or words come. ``waits_for``: what a model's start does."""
        stage, since = self.stage, self._since
        silent_s = max(SILENT_S, 2 * self._longest_pause_s)  # a slow model pauses at each word
        if stage in TELLING and self._now() - self._heard >= silent_s:
            stage, since = "silent", self._heard
        elapsed_s = self._now() - since
        if elapsed_s < CALM_S or stage in {"writing", "done"}:
            return None
        usual_s = self._pace.usual_s(stage, self._model)
        return {
            "key": f"{stage} {self._model} {since:.2f}",
            "text": self._text(stage, waits_for, words),
            "elapsed_s": elapsed_s,
            "usual": _usual(usual_s, words),
            "late_s": LATE_S if usual_s is None else max(3 * usual_s, usual_s + 5),
            "gives_up": self._gives_up(stage, since, words),
        }

    def _text(self, stage: Stage, waits_for: str, words: Wording) -> str:
        if waits_for and stage in {"reading", "loading"}:
            return words("kept", state=waits_for)
        return words(f"phase_{stage}", model=self._model or words("a_model"))

    def _gives_up(self, stage: Stage, since: float, words: Wording) -> str:
        """When, counted as the line's seconds are; "" when it is waited for without end."""
        limits = {
            "waiting": self._patience.first_token_s,
            "silent": self._patience.stall_s,
        }
        ends = [since + limits[stage]] if stage in limits else []
        if self._escalated is not None:
            ends.append(self._escalated + self._patience.escalation_s)
        return words("gives_up", seconds=f"{min(ends) - since:.0f}") if ends else ""

    def _enter(self, stage: Stage, model: str) -> None:
        if (stage, model) == (self.stage, self._model):
            return
        took_s = self._now() - self._since
        if not (self.stage == "waiting" and self._was_loaded):
            self._pace.note(self.stage, self._model, took_s)
        self._was_loaded = self.stage == "loading" and took_s >= CALM_S
        self.stage, self._model, self._since = stage, model, self._now()
        self._longest_pause_s = 0.0


def _usual(seconds: float | None, words: Wording) -> str:
    if seconds is None:
        return ""
    return words("usually", seconds=f"{seconds:.0f}") if seconds >= 1 else words("usually_quick")
