"""Prompts that Open WebUI writes itself: the frames are those of 0.12.4."""

from __future__ import annotations

import json

import pytest
from api.conftest import Served
from scripted_server import ScriptedServer

from rag.api.chores import answered

SAID = "<chat_history>\nUSER: How is\noil changed?\nASSISTANT: Well.\n</chat_history>"
TITLE = '### Task:\nGenerate a concise title.\n### Output:\nJSON format: { "title": "a title" }\n'
TAGS = '### Task:\nGenerate 1-3 tags.\n### Output:\nJSON format: { "tags": ["tag1", "tag2"] }\n'
NEXT = '### Task:\nSuggest.\n### Output:\nJSON format: { "follow_ups": ["One?"] }\n'
SEARCH = '### Task:\nAnalyze.\n### Output:\n{\n  "queries": ["query1", "query2"]\n}\n'


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (TITLE + SAID, {"title": "How is oil changed?"}),
        (TAGS + SAID, {"tags": []}),
        (NEXT + SAID, {"follow_ups": []}),
        (SEARCH + SAID, {"queries": []}),
        (TITLE, {"title": ""}),
    ],
)
def test_a_chore_is_done_without_a_model_when_open_webui_asks(
    prompt: str, reply: dict[str, object]
) -> None:
    assert json.loads(answered(prompt) or "") == reply


@pytest.mark.parametrize(
    "question",
    ["", "What is a title?", 'Which "title": has it?', "### Task:\nChange the oil.", SAID],
)
def test_a_question_is_left_alone_when_it_is_one(question: str) -> None:
    assert answered(question) is None


@pytest.mark.parametrize("stream", [True, False])
def test_no_model_is_asked_when_it_is_a_chore(
    served: Served, scripted_server: ScriptedServer, stream: bool
) -> None:
    told = served.ask(TITLE + SAID, stream=stream)
    text = (
        "".join(chunk.choices[0].delta.content or "" for chunk in told)
        if stream
        else told.choices[0].message.content
    )
    assert json.loads(text) == {"title": "How is oil changed?"}
    assert scripted_server.history == []
