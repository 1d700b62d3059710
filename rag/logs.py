"""The log of a process that serves people: level and format in, a line for each record on stderr.

A record made during a turn carries its trace id. What is logged of a turn are names and figures:
no question, no answer, no passage. Knows nothing of who reads the log.
"""

from __future__ import annotations

import logging
import sys

from rag.measuring.counters import outcome
from rag.tracing import trace_id
from rag.types import Answer, Failed, LogFormat, LogLevel, Mode

_TEXT = "%(asctime)s %(levelname)s %(name)s %(trace_id)s%(message)s"
_JSON = "%(asctime)s %(levelname)s %(name)s %(message)s"
_NAMES = {"asctime": "time", "levelname": "level", "name": "logger"}
# They log addresses, and with them what was asked; at a higher level only.
_CHATTY = ("httpx", "httpx2", "openai", "watchfiles.main")
_TELLING = "chainlit"  # says where the page is served, and that it was loaded anew
_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.access")  # have handlers of their own

_turns = logging.getLogger("rag.turns")


def configure(log_format: LogFormat, level: LogLevel) -> None:
    """Have everything that this process logs go to stderr, in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_with_trace_id)
    handler.setFormatter(_json() if log_format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)  # Python's own would be lines of another format
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_TELLING).setLevel(logging.INFO)
    for name in _SERVER:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def turn_ended(end: Answer | Failed, mode: Mode) -> None:
    """One line at level ``info``; its fields are listed in docs/operations.md."""
    latency = end.latency
    said = {
        "trace_id": end.trace_id,
        "mode": mode,
        "outcome": outcome(end),
        "route": None if isinstance(end, Failed) else end.route,
        "confidence": None if isinstance(end, Failed) else end.confidence.value,
        "models": [one.model for one in end.attempts],
        "retrieve_ms": latency.retrieve_ms,
        "first_token_ms": latency.first_token_ms,
        "total_ms": latency.total_ms,
        "prompt_tokens": sum(used.prompt_tokens for used in end.usage.values()),
        "completion_tokens": sum(used.completion_tokens for used in end.usage.values()),
        "cost_usd": None if isinstance(end, Failed) else end.cost_usd,
        "errors": list(end.errors) if isinstance(end, Failed) else [],
    }
    took = "" if latency.total_ms is None else f" in {latency.total_ms:.0f} ms"
    _turns.info("turn %s%s", said["outcome"], took, extra=said)


def _with_trace_id(record: logging.LogRecord) -> bool:
    """Lets every record pass."""
    if not hasattr(record, "trace_id"):
        record.trace_id = trace_id.get()
    return True


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 (few want it)

    return JsonFormatter(_JSON, rename_fields=_NAMES, json_ensure_ascii=False)
