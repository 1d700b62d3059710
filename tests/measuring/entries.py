"""Turns as the ledger notes them; what a test does not name does not matter to it."""

from __future__ import annotations

from dataclasses import replace

from rag.measuring.entries import Entry
from rag.types import Latency, Usage

NOON = 1_800_000_000.0


def entry(**changes: object) -> Entry:
    """A draft that was accepted, in mode auto: 2 s in all, 10 ms of them for search."""
    accepted = Entry(
        at=NOON,
        trace_id="00",
        mode="auto",
        route="slm",
        slm="small",
        llm="",
        verdict="accept",
        confidence=0.7,
        draft_verdict="accept",
        draft_confidence=0.7,
        calibration="",
        signals={"coverage": 0.5, "least_probability": None},
        latency=Latency(retrieve_ms=8, pack_ms=2, generate_ms=1990, total_ms=2000),
        usage={"small": Usage(600, 50, estimated=False)},
        cost_usd=0.0,
    )
    return replace(accepted, **changes)  # type: ignore[arg-type]


def escalated(**changes: object) -> Entry:
    """A draft of 2 s that was refused, and 6 s of the larger model after it."""
    after: dict[str, object] = {
        "route": "llm",
        "llm": "large",
        "draft_verdict": "escalate",
        "draft_confidence": 0.3,
        "latency": Latency(
            retrieve_ms=8, pack_ms=2, generate_ms=1990, escalate_ms=6000, total_ms=8000
        ),
        "usage": {
            "small": Usage(600, 50, estimated=False),
            "large": Usage(700, 100, estimated=False),
        },
    }
    return entry(**after | changes)


def declined(**changes: object) -> Entry:
    """No model was asked: 10 ms of search."""
    before: dict[str, object] = {
        "route": "declined",
        "slm": "",
        "verdict": "not_in_documents",
        "confidence": 0.0,
        "draft_verdict": None,
        "draft_confidence": None,
        "latency": Latency(retrieve_ms=10, total_ms=10),
        "usage": {},
    }
    return entry(**before | changes)


def asked_at_once(**changes: object) -> Entry:
    """Mode llm: 10 ms of search, 4 s of the larger model."""
    at_once: dict[str, object] = {
        "mode": "llm",
        "route": "llm",
        "slm": "",
        "llm": "large",
        "draft_verdict": None,
        "draft_confidence": None,
        "latency": Latency(retrieve_ms=8, pack_ms=2, generate_ms=4000, total_ms=4010),
        "usage": {"large": Usage(500, 80, estimated=False)},
    }
    return entry(**at_once | changes)
