from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from measuring.rowmaking import answer

from rag.page.chat import Asked
from rag.page.reach import Place
from rag.page.resuming import asked_of, at_rest, interrupted, restored, stored


def step(one_id: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": one_id, "type": kind, "start": "s", "end": None, **more}


def test_a_turn_comes_back_as_it_was_when_it_went_through_json() -> None:
    screen: Any = object()
    done = answer()
    asked = Asked(
        "What?", "40 litres.", screen, "auto", done, done, {"slm": Place("machine", "")}, True
    )
    kept = json.loads(json.dumps(stored(asked, {"message": "m1", "folded": ["f1"]})))
    again = restored(kept)
    assert again is not None
    assert again.screen == {"message": "m1", "folded": ["f1"]}
    assert asked_of(again, screen) == asked


def test_a_turn_is_stored_when_its_mappings_are_read_only() -> None:
    screen: Any = object()
    done = replace(answer(), usage=MappingProxyType(dict(answer().usage)))
    kept = json.loads(json.dumps(stored(Asked("What?", "40", screen, answer=done), {})))
    again = restored(kept)
    assert again is not None
    assert again.answer == answer()


def test_a_turn_without_an_answer_comes_back_when_it_was_stopped() -> None:
    screen: Any = object()
    asked = Asked("What?", "40", screen)
    again = restored(stored(asked, {}))
    assert again is not None
    assert asked_of(again, screen) == asked


def test_a_turn_is_left_out_when_this_version_cannot_read_it() -> None:
    assert restored({}) is None
    assert restored({"question": 1, "text": None}) is None


def test_an_answer_is_marked_when_it_was_cut_off() -> None:
    steps = [
        step("q1", "user_message"),
        step("a1", "assistant_message", output="whole"),
        step("q2", "user_message"),
        step("r2", "run", streaming=True),
        step("a2", "assistant_message", output="It runs in"),
        step("q3", "user_message"),
        step("a3", "assistant_message", output="later"),
    ]
    ended = interrupted("q2", steps, "Cut off.")
    assert [one["id"] for one in ended] == ["r2", "a2"]
    assert ended[0] == {"id": "r2", "type": "run", "start": "s", "end": "s", "streaming": False}
    assert ended[1]["output"] == "It runs in\n\n*Cut off.*"
    assert interrupted("unknown", steps, "Cut off.") == []
    assert steps[4]["output"] == "It runs in"


def test_an_empty_answer_is_the_sentence_when_nothing_had_come() -> None:
    steps = [step("q", "user_message"), step("a", "assistant_message", output="")]
    assert interrupted("q", steps, "Cut off.")[0]["output"] == "*Cut off.*"


def test_nothing_goes_on_when_a_chat_is_taken_up() -> None:
    elements = [{"name": "Working"}, {"name": "TurnCard"}]
    at_rest(elements)
    assert elements == [{"name": "TurnCard"}]
