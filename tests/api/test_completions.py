"""Answers over the API, asked for by OpenAI's own client."""

from __future__ import annotations

from typing import Any

import pytest
from api.conftest import OIL, QUESTION, Serve, Served
from scripted_server import Scripted, ScriptedServer


def chunks_of(stream: Any) -> list[Any]:
    return list(stream)


def text_of(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


@pytest.mark.parametrize("model", ["rag-auto", "rag-slm", "rag-llm", "rag-refine"])
def test_an_answer_is_whole_when_it_is_not_streamed(served: Served, model: str) -> None:
    answer = served.ask(model=model)
    assert answer.object == "chat.completion"
    assert answer.model == model
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == f"{OIL[:-1]} [1]." or OIL in (
        answer.choices[0].message.content
    )
    assert answer.choices[0].finish_reason == "stop"


def test_what_is_ours_stands_beside_the_answer_when_it_is_given(served: Served) -> None:
    ours = served.ask(model="rag-auto").rag
    assert set(ours) == {
        "text",
        "route",
        "model_used",
        "citations",
        "confidence",
        "latency_ms",
        "usage",
        "cost_usd",
        "energy",
        "warnings",
        "trace_id",
    }
    assert ours["route"] == "slm"
    assert ours["model_used"] == "small"
    assert ours["citations"] == [
        {"number": 1, "document": "pump.md", "page": 1, "quote": OIL, "supported": True}
    ]
    assert ours["confidence"]["verdict"] == "accept"
    assert ours["latency_ms"]["total"] > 0


def test_citations_are_annotations_when_a_front_end_knows_those(served: Served) -> None:
    message = served.ask().choices[0].message
    [note] = message.annotations
    entries = served.home.opened.library.documents() if served.home.opened else ()
    [pump] = [entry.id for entry in entries if entry.name == "pump.md"]
    assert note.type == "url_citation"
    assert note.url_citation.title == "pump.md, page 1"
    assert note.url_citation.url == f"{served.url}/source/{pump}#page=1"
    place = slice(note.url_citation.start_index, note.url_citation.end_index)
    assert message.content[place] == "[1]"


def test_usage_is_that_of_the_model_when_it_reports_any(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted((OIL,), usage=(700, 20)))
    usage = served.ask().usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (700, 20, 720)


def test_usage_counts_the_rejected_draft_when_a_larger_model_answers(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(llm=f"{scripted_server.base_url}#large")
    scripted_server.script(
        Scripted(("Napoleon changed it 12 times in 1812.",), usage=(100, 5)),
        Scripted((OIL,), usage=(200, 7)),
    )
    answer = served.ask(model="rag-auto")
    assert answer.rag["route"] == "llm"
    assert sorted(answer.rag["usage"]) == ["large", "small"]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (300, 12)


def test_nothing_was_used_when_no_model_was_asked(served: Served) -> None:
    answer = served.ask("Who won the Battle of Hastings?", model="rag-auto")
    assert answer.rag["route"] == "declined"
    assert answer.rag["model_used"] is None
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == 0


@pytest.mark.parametrize("model", ["rag-auto", "rag-slm", "rag-llm", "rag-refine"])
def test_the_pieces_are_the_answer_when_it_is_streamed(served: Served, model: str) -> None:
    chunks = chunks_of(served.ask(model=model, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {model}
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].rag["citations"][0]["document"] == "pump.md"
    assert OIL in text_of(chunks)


def test_the_small_models_words_come_at_once_when_nothing_can_replace_them(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("The oil", " of the pump", " is old."), then="stall"))
    stream = served.ask(stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "The oil"]
    stream.close()


def test_a_draft_is_not_sent_when_it_may_be_replaced(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(llm=f"{scripted_server.base_url}#large")
    scripted_server.script(Scripted(("I do not know", " at all.")), Scripted((OIL,)))
    chunks = chunks_of(served.ask(model="rag-auto", stream=True))
    assert "do not know" not in text_of(chunks)
    assert OIL[:-1] in text_of(chunks)
    assert text_of(chunks) == chunks[-1].rag["text"]


def test_marks_come_at_the_end_when_the_words_were_already_sent(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted((OIL,)))  # without a mark
    chunks = chunks_of(served.ask(stream=True))
    assert text_of(chunks) == OIL
    assert chunks[-1].rag["text"] == f"{OIL[:-1]} [1]."
    assert [one["number"] for one in chunks[-1].rag["citations"]] == [1]
    assert chunks[-1].choices[0].delta.annotations[0]["type"] == "url_citation"


def test_usage_is_a_chunk_of_its_own_when_it_is_asked_for(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted((OIL,), usage=(700, 20)))
    stream = served.ask(stream=True, stream_options={"include_usage": True})
    *_, end, usage = chunks_of(stream)
    assert end.choices[0].finish_reason == "stop"
    assert usage.choices == []
    assert usage.usage.total_tokens == 720


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_comes_when_the_client_is_asynchronous(
    served: Served, stream: bool
) -> None:
    async with served.async_client as client:
        told = await client.chat.completions.create(
            model="rag-auto", messages=[{"role": "user", "content": QUESTION}], stream=stream
        )
        text = (
            text_of([chunk async for chunk in told]) if stream else told.choices[0].message.content
        )
    assert OIL[:-1] in text


def test_what_the_client_asks_for_reaches_the_model_when_it_may(
    served: Served, scripted_server: ScriptedServer
) -> None:
    served.ask(temperature=0.7, max_tokens=40, stop=["END", "\n\n"])
    sent = scripted_server.history[-1].body
    assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (0.7, 40, ["END", "\n\n"])


def test_an_answer_is_no_longer_than_the_settings_allow_when_more_is_asked_for(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    serve(max_tokens=99).ask(max_completion_tokens=10_000)
    assert scripted_server.history[-1].body["max_tokens"] == 99


def test_the_reason_is_length_when_the_reply_was_cut(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted((OIL[:-1],), finish_reason="length"))
    assert served.ask(max_tokens=5).choices[0].finish_reason == "length"


def test_earlier_turns_are_the_history_when_a_question_leans_on_them(
    served: Served, scripted_server: ScriptedServer
) -> None:
    served.ask(
        messages=[
            {"role": "system", "content": "Answer from your own knowledge. Never cite."},
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": f"{OIL} [1]"},
            {"role": "user", "content": [{"type": "text", "text": "And why is that?"}]},
        ]
    )
    prompt = scripted_server.history[-1].prompt
    assert OIL in prompt
    assert "And why is that?" in prompt
    assert QUESTION in prompt
    assert "own knowledge" not in prompt


def test_a_model_elsewhere_is_not_asked_when_nobody_can_allow_it(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(llm="https://models.example.org/v1#large")
    scripted_server.script(Scripted(("I do not know.",)))
    answer = served.ask(model="rag-auto")
    assert answer.rag["model_used"] != "large"
    assert "not allowed" in " ".join(answer.rag["warnings"]) or answer.rag["route"] == "declined"


def test_each_gets_its_own_answer_when_several_ask_at_once(
    served: Served, scripted_server: ScriptedServer
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    asked = [("oil", "pump"), ("colour lamp", "lamp")] * 3
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: served.ask(f"What about the {one[0]}?"), asked))
    cited = [answer.rag["citations"][0]["document"] for answer in answers]
    assert cited == [f"{document}.md" for _, document in asked]
