from __future__ import annotations

import json

from rag.encoding import answer_json, search_json, trace_json
from rag.types import (
    Answer,
    Attempt,
    Chunk,
    Citation,
    Confidence,
    Context,
    Dropped,
    Energy,
    Hit,
    Latency,
    Message,
    Query,
    Signal,
    Usage,
    Weighed,
)

CHUNK = Chunk("d:0", "d", "pump.md", 2, "Oil", "Change the oil yearly.", 10, 32, 5, "en")
HIT = Hit(CHUNK, -0.25, 1, ("oil", "year"))
HIT_JSON = {
    "rank": 1,
    "score": -0.25,
    "document": "pump.md",
    "page": 2,
    "section": "Oil",
    "text": "Change the oil yearly.",
    "matched_terms": ["oil", "year"],
}


def test_hits_are_listed_when_a_search_found_some() -> None:
    assert search_json("oil", [HIT], 1.5) == {"query": "oil", "hits": [HIT_JSON], "latency_ms": 1.5}


def test_the_list_is_empty_when_a_search_found_nothing() -> None:
    assert search_json("oil", [], 0.5) == {"query": "oil", "hits": [], "latency_ms": 0.5}


def test_every_promised_key_is_there_when_an_answer_is_encoded() -> None:
    answer = Answer(
        text="Yearly [1].",
        route="slm",
        model="small",
        citations=(Citation(1, "d:0", "pump.md", 2, "Change the oil yearly.", 10, 32, True),),
        confidence=Confidence(0.5, "accept", {"margin": Signal(None, 0.2, 1.0)}, ("Found.",)),
        context=Context("[1] …", (HIT,), 9, 100, (Dropped(HIT, "No room."),)),
        latency=Latency(retrieve_ms=1.0, first_token_ms=2.0, generate_ms=3.0, total_ms=6.0),
        usage={"small": Usage(20, 4, False)},
        cost_usd=None,
        trace_id="t1",
        warnings=("The reply was cut.",),
        energy=Energy(0.25, "measured", is_whole=False),
    )
    encoded = answer_json(answer)
    assert encoded == {
        "text": "Yearly [1].",
        "route": "slm",
        "model": "small",
        "citations": [
            {
                "number": 1,
                "document": "pump.md",
                "page": 2,
                "quote": "Change the oil yearly.",
                "supported": True,
            }
        ],
        "confidence": {
            "value": 0.5,
            "verdict": "accept",
            "signals": {"margin": {"value": None, "threshold": 0.2, "weight": 1.0}},
            "reasons": ["Found."],
        },
        "context": {
            "token_count": 9,
            "budget_tokens": 100,
            "hits": [HIT_JSON],
            "dropped": [{**HIT_JSON, "reason": "No room."}],
        },
        "latency_ms": {
            "retrieve": 1.0,
            "pack": None,
            "queue": None,
            "first_token": 2.0,
            "generate": 3.0,
            "check": None,
            "escalate": None,
            "total": 6.0,
        },
        "usage": {"small": {"prompt_tokens": 20, "completion_tokens": 4, "estimated": False}},
        "cost_usd": None,
        "energy": {"wh": 0.25, "source": "measured", "is_whole": False},
        "warnings": ["The reply was cut."],
        "trace_id": "t1",
    }
    assert json.loads(json.dumps(encoded, allow_nan=False)) == encoded


def test_a_trace_holds_the_answer_and_all_attempts_when_a_turn_is_told_in_full() -> None:
    draft = Confidence(
        0.25,
        "escalate",
        {"numbers": Signal(0.0, 1.0)},
        ("A number is made up.",),
        (Weighed("numbers", 0.0, speaks_for=False, details=("7",)),),
        "small-1",
    )
    prompt = (Message("system", "Answer."), Message("user", "Question: oil?"))
    answer = Answer(
        text="Yearly.",
        route="llm",
        model="large",
        citations=(),
        confidence=Confidence(0.5, "accept", {}, ()),
        context=Context("", (), 0, 0),
        latency=Latency(),
        usage={},
        cost_usd=0.0,
        trace_id="t1",
        query=Query("oil?", "pump"),
        attempts=(
            Attempt("slm", "small", prompt, "Seven [1].", "stopped", draft, "Six or so?"),
            Attempt(
                *("llm", "large", (), "", "error"),
                reach="cloud",
                is_cold=True,
                energy=Energy(2.0, "configured"),
            ),
        ),
        unsupported=("Yearly.",),
    )
    trace = trace_json(answer)
    confidence = trace.pop("confidence")
    assert confidence == {
        "value": 0.5,
        "verdict": "accept",
        "signals": {},
        "reasons": [],
        "weightiest": [],
        "calibration": "",
    }
    assert trace.pop("query") == {"text": "oil?", "background": "pump"}
    assert trace.pop("unsupported") == ["Yearly."]
    first, second = trace.pop("attempts")
    assert first == {
        "tier": "slm",
        "model": "small",
        "prompt": [
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": "Question: oil?"},
        ],
        "text": "Seven [1].",
        "reasoning": "Six or so?",
        "finish_reason": "stopped",
        "confidence": {
            "value": 0.25,
            "verdict": "escalate",
            "signals": {"numbers": {"value": 0.0, "threshold": 1.0, "weight": None}},
            "reasons": ["A number is made up."],
            "weightiest": [
                {"name": "numbers", "value": 0.0, "speaks_for": False, "details": ["7"]}
            ],
            "calibration": "small-1",
        },
        "reach": "machine",
        "is_cold": False,
        "energy": None,
    }
    assert (second["reach"], second["is_cold"]) == ("cloud", True)
    assert second["energy"] == {"wh": 2.0, "source": "configured", "is_whole": True}
    assert (second["finish_reason"], second["confidence"]) == ("error", None)
    assert trace.keys() | {"confidence"} == answer_json(answer).keys()
