"""Briefings through whole turns of a scripted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from answering.passages import chunk
from answering.turns import LIBRARY, SEA, SKY, Make
from scripted_server import Scripted, ScriptedServer

from rag.answering.briefing import brief
from rag.answering.briefs import (
    Asking,
    Briefed,
    Briefing,
    BriefingEvent,
    SectionDone,
    Subject,
    Turned,
    cost_usd,
    latency,
    usage,
)
from rag.answering.pipeline import AnsweringOptions, Pipeline
from rag.retrieval.memory import MemoryIndex

pytestmark = pytest.mark.anyio

SKY_DOC = Subject(SKY.document_id, SKY.document_name, "en")
SEA_DOC = Subject(SEA.document_id, SEA.document_name, "en")
BROKEN = Scripted(status=401, error={"message": "No."})


@pytest.fixture
async def pipeline(model: Make) -> Pipeline:
    return Pipeline(await model("small"), await model("large"))


async def events(pipeline: Pipeline, *subjects: Subject, **options: Any) -> list[BriefingEvent]:
    index = options.pop("index", LIBRARY)
    return [event async for event in brief(pipeline, index, subjects, **options)]


def briefed(found: Sequence[BriefingEvent]) -> Briefing:
    last = found[-1]
    assert isinstance(last, Briefed)
    return last.briefing


def asked_of(server: ScriptedServer) -> list[str]:
    return [received.body["model"] for received in server.history]


async def test_each_document_is_asked_as_a_whole_and_by_parts_when_it_is_briefed(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    found = await events(pipeline, SKY_DOC, SEA_DOC)
    assert [type(event).__name__ for event in found] == [
        *(["Asking", "Turned"] * 2 + ["SectionDone"]) * 2,
        "Briefed",
    ]
    sky, sea = briefed(found).sections
    assert (sky.title, sky.kind, sky.is_refined) == ("sky", "document", False)
    [said] = sky.statements
    assert said.text == "The sky is blue by day and black at night."
    assert [(one.document, one.page) for one in said.citations] == [("sky.md", 1)]
    assert [figure.text for figure in sea.figures] == ["Its mean depth is 3,688 metres."]
    assert asked_of(scripted_server) == ["small"] * 4
    assert "salty" not in scripted_server.history[0].prompt  # a document by itself


async def test_progress_is_told_when_questions_are_put(pipeline: Pipeline) -> None:
    found = await events(pipeline, SKY_DOC, SEA_DOC)
    asking = [(event.done, event.total) for event in found if isinstance(event, Asking)]
    assert asking == [(0, 4), (1, 4), (2, 4), (3, 4)]
    [first, _] = [event for event in found if isinstance(event, SectionDone)]
    assert first.briefing.missing == ("sea",)


async def test_the_larger_model_refines_when_a_document_has_priority(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    priority = replace(SEA_DOC, is_priority=True)
    found = await events(pipeline, SKY_DOC, priority)
    first, other = briefed(found).sections
    assert (first.title, first.is_refined, other.title) == ("sea", True, "sky")
    assert asked_of(scripted_server) == ["small", "large"] * 2 + ["small"] * 2
    assert [turn.route for turn in first.turns] == ["refined", "refined"]
    assert first.statements[0].is_refined
    assert [event.mode for event in found if isinstance(event, Turned)][:3] == [
        *("refine", "refine", "slm")
    ]


async def test_a_topic_is_asked_of_the_documents_that_speak_of_it_when_it_is_given(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    found = await events(pipeline, SKY_DOC, SEA_DOC, topics=["salty sea"])
    topic = briefed(found).sections[0]
    assert (topic.title, topic.kind, topic.is_refined) == ("Salty sea", "topic", False)
    assert [turn.question for turn in topic.turns] == ["What are the facts about salty sea?"]
    assert topic.statements[0].text == "The sea is salty."
    assert asked_of(scripted_server)[0] == "small"


async def test_a_topic_is_refined_when_it_is_flagged(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    options = AnsweringOptions(refine_topics=("Sea",))
    flagging = replace(pipeline, options=options)
    found = await events(flagging, SEA_DOC, topics=["sea", "salt"])
    sea, salt, document = briefed(found).sections
    assert (sea.is_refined, salt.is_refined, document.is_refined) == (True, False, False)
    assert asked_of(scripted_server)[:2] == ["small", "large"]


async def test_a_topic_is_open_when_no_document_speaks_of_it(pipeline: Pipeline) -> None:
    found = await events(pipeline, SKY_DOC, topics=["dinosaurs"])
    topic = briefed(found).sections[0]
    assert (topic.statements, topic.turns) == ((), ())
    assert topic.unanswered == ("What do the documents say about dinosaurs?",)


async def test_documents_that_are_not_named_stay_out_when_a_topic_is_in_them(
    pipeline: Pipeline,
) -> None:
    found = await events(pipeline, SKY_DOC, topics=["salty sea"])
    assert briefed(found).sections[0].turns == ()


async def test_a_made_up_sentence_is_left_out_when_no_passage_backs_it(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("Dragons rule over ", "all of Bavaria.")))
    [sky] = briefed(await events(pipeline, SKY_DOC)).sections
    assert sky.left_out == ("Dragons rule over all of Bavaria.",)
    assert [said.text for said in sky.statements] == ["The sky is blue by day and black at night."]


async def test_the_documents_own_sentence_stands_when_what_was_written_of_a_part_cannot(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    dragons = Scripted(("Dragons rule over ", "all of Bavaria."))
    scripted_server.script(dragons, dragons)
    [sea] = briefed(await events(pipeline, SEA_DOC)).sections
    [own] = sea.statements
    assert (own.text, own.model) == ("Its mean depth is 3,688 metres.", "")
    assert [(one.document, one.page) for one in own.citations] == [("sea.md", 4)]
    assert sea.left_out == ("Dragons rule over all of Bavaria.",)


async def test_what_a_whole_is_about_is_told_and_marked_when_only_the_document_holds_it(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    day, night = "The sky is blue by day over the harbour.", "Ships leave the harbour at night."
    passages = [chunk(day, document="sky.md"), chunk(night, document="sky.md", start=99)]
    scripted_server.script(
        Scripted(("This document is about ships, harbour, ", "blue sky, harmony and departures."))
    )
    found = await events(pipeline, SKY_DOC, index=MemoryIndex(passages))
    [section] = briefed(found).sections
    assert section.about == "Ships, harbour, blue sky, harmony and departures."
    assert section.left_out == ()
    assert section.lead
    assert section.lead.text == day


async def test_the_others_go_on_when_a_turn_fails(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(BROKEN)
    [sky] = briefed(await events(pipeline, SKY_DOC)).sections
    assert [turn.route for turn in sky.turns] == ["failed", "slm"]
    assert sky.turns[0].note
    assert cost_usd(sky.turns) is None
    assert len(sky.statements) == 1


async def test_the_whole_is_the_sum_of_its_turns_when_it_is_told(pipeline: Pipeline) -> None:
    turns = briefed(await events(pipeline, SKY_DOC, SEA_DOC)).turns
    assert len(turns) == 4
    whole = latency(turns)
    parts = [getattr(whole, name) for name in whole.__slots__ if name != "total_ms"]
    assert sum(ms for ms in parts if ms is not None) == pytest.approx(whole.total_ms)
    assert usage(turns)["small"].completion_tokens == sum(
        turn.usage["small"].completion_tokens for turn in turns
    )
    assert cost_usd(turns) == 0.0


async def test_nothing_is_asked_when_there_is_nothing_to_brief_on(pipeline: Pipeline) -> None:
    assert briefed(await events(pipeline)) == Briefing()
    empty = Subject("nowhere", "empty.md")
    [section] = briefed(await events(pipeline, empty, index=MemoryIndex())).sections
    assert (section.statements, section.turns) == ((), ())


async def test_the_model_stops_when_the_briefing_is_closed(
    pipeline: Pipeline, scripted_server: ScriptedServer
) -> None:
    running = brief(pipeline, LIBRARY, [SKY_DOC, SEA_DOC])
    async for event in running:
        if isinstance(event, SectionDone):
            break
    await running.aclose()
    assert len(scripted_server.history) == 2
