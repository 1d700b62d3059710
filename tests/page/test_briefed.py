from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from rag.answering.briefs import (
    Asking,
    Briefed,
    Briefing,
    BriefingSection,
    BriefingTurn,
    SectionDone,
    Subject,
)
from rag.answering.statements import Statement
from rag.page import briefed
from rag.page.chat import Chat, Upload
from rag.page.choices import Choices
from rag.page.passages import Page
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import Chunk, Citation, Document, Latency, Usage

ENGLISH, ROMANIAN = Wording("en"), Wording("ro")

BLUE, SALTY = "The *sky* is blue.", "The sea is salty."
CHUNKS = {
    "c1": Chunk("c1", "d1", "sky.md", 1, "", BLUE, 0, len(BLUE), 5, "en"),
    "c2": Chunk("c2", "d2", "sea.md", 4, "", SALTY, 0, len(SALTY), 5, "en"),
}


@dataclass(frozen=True)
class Entry:
    id: str
    name: str = "sky.md"
    language: str = "en"


def said(chunk_id: str) -> Statement:
    chunk = CHUNKS[chunk_id]
    quote = Citation(1, chunk_id, chunk.document_name, chunk.page, chunk.text, 0, chunk.end, True)
    return Statement(chunk.text, (quote,), "small")


def turn(ms: float, note: str = "") -> BriefingTurn:
    used = {"small": Usage(100, 20, estimated=False)}
    latency = Latency(first_token_ms=ms, generate_ms=ms, total_ms=2 * ms)
    return BriefingTurn("What?", "slm", "small", latency, used, 0.0, None, note)


SKY = BriefingSection(
    "sky", "document", False, (said("c1"),), left_out=("Dragons.",), turns=(turn(100.0),)
)
SEA = BriefingSection("sea", "document", False, (said("c2"),), turns=(turn(50.0, "Cut."),))


def result(*sections: BriefingSection, words: Wording = ENGLISH, **fields: Any) -> Any:
    made = briefed.Made("m", Briefing(sections, **fields), CHUNKS, {"small": Place()})
    return briefed.result(made, lambda document, page: Page("", "", False), words)


def test_each_sentence_leads_to_its_passage_when_it_is_shown() -> None:
    text, props = result(SKY, SEA)
    assert text.startswith("2 sentences, each with the passage that backs it.\n\n### In short")
    assert "- The \\*sky\\* is blue\\. [[1]](#passage-1)" in text
    assert "- The sea is salty\\. [[2]](#passage-2)" in text
    assert [(one["number"], one["document"], one["page"]) for one in props["sources"]] == [
        (1, "sky.md", 1),
        (2, "sea.md", 4),
    ]


def test_times_tokens_and_cost_are_those_of_all_turns_when_there_are_several() -> None:
    _, props = result(SKY, SEA)
    assert {one["key"]: one["ms"] for one in props["stages"]} == {
        "first_token": 150,
        "generate": 150,
    }
    assert props["total_ms"] == 300
    assert props["usage"] == [{"model": "small", "tokens": "200 tokens read, 40 written"}]
    assert props["cost"] == "nothing"
    assert props["warnings"] == [
        "Left out, because no passage backs it: 1 sentence. See the download.",
        "sea: Cut.",
    ]


def test_there_is_no_summary_when_it_is_on_one_document() -> None:
    text, _ = result(SKY, words=ROMANIAN)
    assert text.startswith("1 propoziție, fiecare cu pasajul care o susține.\n\n### sky")


def test_what_was_not_come_to_is_named_when_it_was_stopped() -> None:
    text, _ = result(SKY, missing=("sea", "rock"))
    assert "It was stopped before: sea, rock." in text


def test_a_topic_is_told_to_be_missing_when_no_document_answers_it() -> None:
    topic = BriefingSection("Dose", "topic", False, (), unanswered=("What of the dose?",))
    text, _ = result(topic)
    assert text.endswith("### Dose\n\n**Not in your documents**\n\n- What of the dose?")


def test_a_source_has_no_button_when_its_document_is_gone() -> None:
    made = briefed.Made("m", Briefing((SKY, SEA)), {"c2": CHUNKS["c2"]}, {})
    _, props = briefed.result(made, lambda document, page: Page("", "", False), ENGLISH)
    assert [one["number"] for one in props["sources"]] == [2]


@pytest.mark.parametrize(
    ("dropped", "chosen", "ids"),
    [
        (set(), frozenset(), ["d1", "d2"]),
        ({"u"}, frozenset(), ["u"]),
        ({"u", "d2"}, frozenset(), ["u", "d2"]),  # which the library had already
        ({"u"}, frozenset({"d1", "d2"}), ["d1", "d2"]),
    ],
)
def test_it_is_on_the_chosen_or_the_dropped_documents_when_there_are_any(
    dropped: set[str], chosen: frozenset[str], ids: list[str]
) -> None:
    chat = Chat(ENGLISH)
    chat.dropped = dropped
    if "u" in dropped:
        chat.uploads["u"] = Upload(Document("u", "mine.md", "text/markdown", ("x",), "en"), 1, "")
    choice = Choices("refine", documents=chosen)
    found = briefed.subjects(chat, [Entry("d2"), Entry("d1", "rock.md")], choice)
    assert [one.id for one in found] == ids
    assert all(one.is_priority for one in found)


def test_a_sentence_says_what_to_do_when_there_is_nothing_or_too_much() -> None:
    assert briefed.problem([], ENGLISH).startswith("There is no document to brief on.")
    many = [Subject(str(number), "a.md") for number in range(21)]
    assert briefed.problem(many, ENGLISH).startswith("These are 21 documents, and")
    assert briefed.problem(many[:20], ENGLISH) == ""


def test_progress_tells_what_is_asked_and_what_is_done_when_it_goes_on() -> None:
    progress = briefed.Progress([Subject("d1", "sky.md"), Subject("d2", "sea.md")], ENGLISH)
    progress.hear(Asking("sky", "What is it about?", 0, 2))
    assert progress.title == "Question 1 of 2"
    assert progress.lines == "- **sky** · What is it about?"
    progress.hear(SectionDone(SKY, Briefing((SKY,), ("sea",))))
    assert progress.lines == "- **sky** · 1 sentence"
    progress.hear(Briefed(Briefing((SKY, SEA))))
    assert progress.title == "Briefing on 2 documents"
