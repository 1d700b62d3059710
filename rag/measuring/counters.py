"""Counters of a process, for Prometheus: turns as they run and end in, its text format out.

They hold routes, models, times, tokens and reasons by name, and neither a question, an answer nor
the name of a document. Each ``Counters`` counts for itself: nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from rag.types import Answer, AnswerEvent, Confidence, Failed, Latency, Mode, Working

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PHASES = ("searching", "loading", "waiting", "thinking", "writing")  # what a running turn is at
_FAST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
_MS = 1_000

Note = Callable[[AnswerEvent], None]


class Counters:
    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._turns = Counter(
            "rag_turns", "Turns that ended.", ("route", "outcome"), registry=registry
        )
        self._running = Gauge(
            "rag_turns_running",
            "Turns under way, by what they are at; loading and waiting are the queue.",
            ("phase",),
            registry=registry,
        )
        self._first_token = Histogram(
            "rag_first_token_seconds",
            "From sending the first prompt of a turn to its first token.",
            buckets=_SLOW_S,
            registry=registry,
        )
        self._total = Histogram(
            "rag_turn_seconds",
            "A whole turn, from the question to its end.",
            ("route",),
            buckets=_SLOW_S,
            registry=registry,
        )
        self._retrieval = Histogram(
            "rag_retrieval_seconds",
            "Search for passages.",
            buckets=_FAST_S,
            registry=registry,
        )
        self._tokens = Counter(
            "rag_tokens",
            "Tokens read (prompt) and written (completion), rejected drafts included.",
            ("model", "kind"),
            registry=registry,
        )
        self._escalations = Counter(
            "rag_escalations",
            "Turns handed to the larger model, by what spoke most against the draft.",
            ("reason",),
            registry=registry,
        )
        self._errors = Counter(
            "rag_errors", "Errors that ended a turn, by class.", ("error",), registry=registry
        )
        for phase in PHASES:
            self._running.labels(phase)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    @contextmanager
    def running(self) -> Iterator[Note]:
        """Counts a turn as under way; what it yields is told each of the turn's events."""
        phase = "searching"
        self._running.labels(phase).inc()

        def note(event: AnswerEvent) -> None:
            nonlocal phase
            if isinstance(event, Working):
                self._running.labels(phase).dec()
                phase = event.phase
                self._running.labels(phase).inc()

        try:
            yield note
        finally:
            self._running.labels(phase).dec()

    def ended(self, end: Answer | Failed, mode: Mode) -> None:
        route = "none" if isinstance(end, Failed) else end.route
        self._turns.labels(route, outcome(end)).inc()
        self._time(end.latency, route, has_answer=isinstance(end, Answer))
        for model, usage in end.usage.items():
            self._tokens.labels(model, "prompt").inc(usage.prompt_tokens)
            self._tokens.labels(model, "completion").inc(usage.completion_tokens)
        if reason := escalation(end, mode):
            self._escalations.labels(reason).inc()
        if isinstance(end, Failed):
            for error in end.errors:
                self._errors.labels(error).inc()

    def _time(self, latency: Latency, route: str, *, has_answer: bool) -> None:
        if latency.retrieve_ms is not None:
            self._retrieval.observe(latency.retrieve_ms / _MS)
        if has_answer and latency.first_token_ms is not None:
            self._first_token.observe(latency.first_token_ms / _MS)
        if latency.total_ms is not None:
            self._total.labels(route).observe(latency.total_ms / _MS)


def outcome(end: Answer | Failed) -> str:
    """``answered``, ``uncertain``, ``declined``, ``failed``, or ``stopped`` by a person."""
    if isinstance(end, Failed):
        return "failed" if end.message else "stopped"
    if end.route == "declined":
        return "declined"
    return "answered" if end.confidence.verdict == "accept" else "uncertain"


def escalation(end: Answer | Failed, mode: Mode) -> str:
    """Why the larger model was asked after or in place of the small one, as a code; "": it was not.

    The signal that weighed most against the draft, or else its verdict; ``draft_failed``;
    ``refined``; ``search`` for a turn that went straight to it.
    """
    if mode in {"slm", "llm"} or not any(one.tier == "llm" for one in end.attempts):
        return ""
    first = end.attempts[0]
    if first.tier == "llm":
        return "search"
    if first.confidence is None:
        return "draft_failed"
    return "refined" if mode == "refine" else _weightiest(first.confidence)


def _weightiest(judged: Confidence) -> str:
    against = (one.name for one in judged.weightiest if not one.speaks_for)
    return next(against, judged.verdict)
