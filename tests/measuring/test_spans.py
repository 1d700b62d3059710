"""Spans as a collector receives them, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rag.measuring.spans import Spans
from rag.types import Failed, Latency

MS = 1_000_000
LATENCY = Latency(retrieve_ms=2, pack_ms=1, first_token_ms=100, generate_ms=50, total_ms=153)
FAILED = Failed(
    "The server said: Amaryllis.",
    partial="The sky",
    trace_id="00c0ffee00c0ffee",
    latency=LATENCY,
    errors=("ModelUnavailable",),
)


class Collector(HTTPServer):
    received: list[Span]


class _Receives(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            raise AssertionError("not asked for")
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.server.received.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(("127.0.0.1", 0), _Receives) as server:
        server.received = []
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def sent(collector: Collector, *ends: Failed) -> dict[str, Span]:
    spans = Spans(f"http://127.0.0.1:{collector.server_port}", now_ns=lambda: 1_000 * MS)
    for end in ends:
        spans.ended(end, "auto")
    spans.close()
    return {span.name: span for span in collector.received}


def test_stages_follow_each_other_when_a_turn_ends(collector: Collector) -> None:
    found = sent(collector, FAILED)
    assert list(found) == ["retrieve", "pack", "first_token", "generate", "turn"]
    times = {
        name: (span.start_time_unix_nano, span.end_time_unix_nano) for name, span in found.items()
    }
    assert times == {
        "retrieve": (847 * MS, 849 * MS),
        "pack": (849 * MS, 850 * MS),
        "first_token": (850 * MS, 950 * MS),
        "generate": (950 * MS, 1_000 * MS),
        "turn": (847 * MS, 1_000 * MS),
    }
    assert {span.parent_span_id for name, span in found.items() if name != "turn"} == {
        found["turn"].span_id
    }


def test_the_trace_is_found_by_the_id_that_the_page_shows_when_it_has_come(
    collector: Collector,
) -> None:
    turn = sent(collector, FAILED)["turn"]
    assert turn.trace_id.hex() == "0" * 16 + "00c0ffee00c0ffee"
    assert turn.status.message == "ModelUnavailable"


def test_nobodys_words_are_sent_when_a_turn_failed(collector: Collector) -> None:
    told = str(sent(collector, FAILED))
    assert "Amaryllis" not in told
    assert "The sky" not in told


def test_nothing_is_raised_when_no_collector_answers() -> None:
    spans = Spans("http://127.0.0.1:9", now_ns=lambda: 0)
    spans.ended(FAILED, "auto")
    spans.close()
