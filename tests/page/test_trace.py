from __future__ import annotations

import json
from dataclasses import replace

from rag.page import trace
from rag.page.wording import Wording
from rag.types import (
    Answer,
    Attempt,
    Chunk,
    Confidence,
    Context,
    Dropped,
    Hit,
    Latency,
    Message,
    Query,
    Signal,
    Usage,
    Weighing,
)

SIGNALS = {
    "coverage": Signal(0.9, 0.5, 1.0),
    "varied": Signal(0.1, 0.5),
    "first_margin": Signal(None, 0.5),
    "phase_of_the_moon": Signal(0.5),
}
ANSWER = Answer(
    "Forty.",
    "slm",
    "small",
    (),
    Confidence(0.7, "accept", SIGNALS, ("Fine.",)),
    Context("", (), 0, 0),
    Latency(1.0, total_ms=1.0),
    {"small": Usage(10, 2, False)},
    0.0,
    "t1",
    query=Query("How deep is the pump?", "the pump"),
    attempts=(Attempt("slm", "small", (Message("user", "Prompt"),), "Forty.", "stop"),),
    unsupported=("Forty.",),
)


def test_everything_is_in_the_trace_when_it_is_taken_along_as_json() -> None:
    taken = json.loads(json.dumps(trace.shown(ANSWER, "auto", Wording("en"))["trace"]))
    assert taken["mode"] == "auto"
    assert taken["query"] == {"text": "How deep is the pump?", "background": "the pump"}
    assert taken["attempts"][0]["prompt"] == [{"role": "user", "content": "Prompt"}]
    assert taken["unsupported"] == ["Forty."]
    assert taken["confidence"]["signals"]["varied"] == {
        "value": 0.1, "threshold": 0.5, "weight": None,
    }  # fmt: skip
    assert {"text", "route", "context", "latency_ms", "usage", "cost_usd"} <= taken.keys()


def test_each_passage_is_explained_when_it_was_searched_for() -> None:
    chunk = Chunk("c", "d", "pump.md", 1, "", "The pump is deep.", 0, 17, 5, "en")
    left_out = replace(chunk, id="other")
    context = Context(
        "[1] …", (Hit(chunk, 0.69, 1, ("pump",)),), 9, 100,
        (Dropped(Hit(left_out, 0.69, 2, ("pump",)), "It repeats passage 1."),),
    )  # fmt: skip
    weighing = Weighing({"pump": 1.0, "tank": 1.0}, {"pump": 0.5, "tank": 2.0}, 5.0)
    searched = replace(ANSWER, context=context, weighing=weighing)

    shown = trace.shown(searched, "auto", Wording("en"))["trace"]["context"]
    explain = shown["hits"][0]["explain"]
    assert (explain["length"], explain["length_factor"]) == (5, 1.0)
    # 0.5 × 2 × 2.2 / (2 + 1.2)
    assert explain["terms"] == [
        {"term": "pump", "idf": 0.5, "frequency": 2, "weight": 1.0, "share": 0.6875}
    ]
    assert shown["dropped"][0]["explain"] == explain

    opened = trace.shown(replace(searched, weighing=None), "auto", Wording("en"))["trace"]
    assert "explain" not in opened["context"]["hits"][0]


def test_every_signal_is_said_on_its_side_when_it_was_measured() -> None:
    shown = trace.shown(ANSWER, "auto", Wording("en"))
    assert [(one["name"], one["text"]) for one in shown["signals"]] == [
        ("coverage", "The best passage holds what was asked"),
        ("varied", "It repeats itself"),
        ("first_margin", ""),
        ("phase_of_the_moon", ""),
    ]
    assert shown["reasons"] == ["Fine"]
    assert shown["terms"] == ["deep", "pump"]
    assert shown["verdict"] == "accepted"


def test_the_labels_are_romanian_when_the_browser_is() -> None:
    labels = trace.shown(ANSWER, "auto", Wording("ro"))["labels"]
    assert labels["prompt"] == "Întrebarea exactă către model"
    assert labels.keys() == trace.shown(ANSWER, "auto", Wording("en"))["labels"].keys()
