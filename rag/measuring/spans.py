"""A turn that has ended as OpenTelemetry spans, one a stage, sent to a collector in the background.

Stages are laid end to end as ``Latency`` has them; the trace's id ends in the turn's own. Names and
figures only: no question, no answer, no passage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from rag.measuring.counters import outcome
from rag.types import Answer, Failed, Latency, Mode

SERVICE = "edge-rag-chat"
STAGES = ("retrieve", "queue", "pack", "first_token", "generate", "check", "escalate")
_NS_PER_MS = 1_000_000
_CLOSING_MS = 2_000  # for what is still to be sent


class Spans:
    """``endpoint`` is a collector's address, to which ``/v1/traces`` is added."""

    def __init__(self, endpoint: str, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._now_ns = now_ns
        self._ids = _Ids()
        self._naming = Lock()  # of the next trace
        resource = Resource.create({"service.name": SERVICE})
        # A provider of our own: what libraries send by the global one is none of our business.
        self._provider = TracerProvider(resource=resource, id_generator=self._ids)
        exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rag")

    def ended(self, end: Answer | Failed, mode: Mode) -> None:
        """Never blocks, never raises: what cannot be sent is dropped, and logged by the SDK."""
        at = self._now_ns()
        started = at - _ns(end.latency.total_ms)
        with self._naming:
            self._ids.next_trace_id = int(end.trace_id or "0", 16)
            turn = self._tracer.start_span("turn", start_time=started)
        _describe(turn, end, mode)
        inside = set_span_in_context(turn)
        for stage in STAGES:
            if (took_ms := _stage_ms(end.latency, stage)) is not None:
                span = self._tracer.start_span(stage, inside, start_time=started)
                started += _ns(took_ms)
                span.end(started)
        turn.end(at)

    def close(self) -> None:
        """Send what is left. Blocks for two seconds at most."""
        self._provider.force_flush(_CLOSING_MS)
        self._provider.shutdown()


class _Ids(RandomIdGenerator):
    """Names a trace after its turn; 0: by chance."""

    next_trace_id = 0

    def generate_trace_id(self) -> int:
        return self.next_trace_id or super().generate_trace_id()


def _describe(span: Span, end: Answer | Failed, mode: Mode) -> None:
    span.set_attribute("rag.trace_id", end.trace_id)
    span.set_attribute("rag.mode", mode)
    span.set_attribute("rag.outcome", outcome(end))
    span.set_attribute("rag.models", [one.model for one in end.attempts])
    for model, used in end.usage.items():
        span.set_attribute(f"rag.prompt_tokens.{model}", used.prompt_tokens)
        span.set_attribute(f"rag.completion_tokens.{model}", used.completion_tokens)
    if isinstance(end, Answer):
        span.set_attribute("rag.route", end.route)
        span.set_attribute("rag.confidence", end.confidence.value)
    elif end.errors:
        span.set_status(Status(StatusCode.ERROR, end.errors[-1]))


def _stage_ms(latency: Latency, stage: str) -> float | None:
    found: float | None = getattr(latency, f"{stage}_ms")
    return found


def _ns(ms: float | None) -> int:
    return round((ms or 0) * _NS_PER_MS)
