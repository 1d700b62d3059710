"""What is sent once more when a server loses something, and what is said when that cannot help."""

from __future__ import annotations

import pytest
from answering.passages import chunk
from answering.turns import Make, answer, answered, events, kinds, phases, streamed
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.answering.fitting import LONG_THINKING_TOKENS, THINKING_TOKENS
from rag.answering.pipeline import AnsweringOptions, Pipeline
from rag.retrieval.memory import MemoryIndex
from rag.tokens import count_tokens
from rag.types import Delta, Message, Restarted, Retrieved, Usage

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("literal_judgement")]

QUESTION = "How is the pump of the ship served?"
LONG = MemoryIndex(
    [
        chunk(
            " ".join(f"The pump {at} of ship {n} is served by crew {n + at}." for n in range(10)),
            document=f"ship{at}.md",
        )
        for at in range(20)
    ]
)
WIDE, NARROW = AnsweringOptions(top_k=20), AnsweringOptions(top_k=3)
RIGHT = Scripted(("The pump is served ", "by a crew."), usage=(1500, 8))
SHORT = Scripted(("The pump is served ", "by a crew."), usage=(600, 8))
HALF = Scripted(("I see ", "half."), usage=(1026, 4))  # of 2,048, as Ollama leaves it
THOUGHT = Scripted((), reasoning=("Let me ", "think."), usage=(600, 512), finish_reason="length")


def sent_tokens(server: ScriptedServer) -> list[int]:
    return [count_tokens(sent.prompt) for sent in server.history]


# --- cut prompts -------------------------------------------------------------------------


async def test_less_is_sent_again_when_the_server_cut_the_prompt(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.script(HALF, RIGHT)
    found = await events(pipeline, QUESTION, index=LONG)
    result = answered(found)
    before, after = sent_tokens(scripted_server)
    assert before > 2_048
    assert after < 1_500
    assert result.text.startswith("The pump is served by a crew")
    assert result.warnings == (
        "scripted-model reads no more than about 2048 tokens and had cut the prompt, so it was "
        "sent again with less. Give the model more context where it runs: start Ollama with "
        "OLLAMA_CONTEXT_LENGTH=8192, for example.",
    )
    assert result.usage[MODEL] == Usage(1026 + 1500, 4 + 8, estimated=False)
    assert result.context.token_count < 1_500
    assert len(result.attempts) == 1


async def test_a_front_end_is_told_when_the_first_reply_no_longer_counts(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.script(HALF, RIGHT)
    found = await events(pipeline, QUESTION, index=LONG)
    assert kinds(found) == [
        "Retrieved", "Delta", "Restarted", "Retrieved", "Delta", "Judged", "Answered",
    ]  # fmt: skip
    assert phases(found) == ["waiting", "writing", "waiting", "writing"]
    (restarted,) = (at for at, event in enumerate(found) if isinstance(event, Restarted))
    assert streamed(found[:restarted]) == "I see half."
    assert streamed(found[restarted:]) == "The pump is served by a crew."


async def test_it_is_told_once_when_a_server_cuts_prompts(
    scripted_server: ScriptedServer, model: Make
) -> None:
    slm = await model()
    pipeline = Pipeline(slm, options=WIDE)
    scripted_server.script(HALF, RIGHT, RIGHT)
    assert len((await answer(pipeline, QUESTION, index=LONG)).warnings) == 1
    assert slm.capabilities.context_tokens == 2048
    assert (await answer(pipeline, QUESTION, index=LONG)).warnings == ()
    assert len(scripted_server.history) == 3


async def test_less_and_less_is_sent_when_whole_messages_were_left_out(
    scripted_server: ScriptedServer, model: Make
) -> None:
    """Of a follow-up Ollama keeps no passage: what it read does not tell how much it can read."""
    history = (Message("user", QUESTION), Message("assistant", "By a crew [1]."))
    left = Scripted(("Who is it?",), usage=(60, 4))
    options = AnsweringOptions(top_k=20, max_tokens=128)
    pipeline = Pipeline(await model(context_tokens=8192), options=options)
    scripted_server.script(left, left, SHORT)
    result = await answer(pipeline, "And who serves it?", index=LONG, history=history)
    first, second, third = sent_tokens(scripted_server)
    assert first > second > third
    assert len(result.warnings) == 1


async def test_the_answer_says_so_when_the_prompt_is_cut_again_and_again(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.fallback = Scripted(("It is served.",), usage=(258, 4))
    result = await answer(pipeline, QUESTION, index=LONG)
    assert len(scripted_server.history) <= 3
    assert result.text.startswith("It is served")
    assert result.warnings[-1].startswith("The server read 258 tokens of a prompt of about ")


async def test_the_first_reply_stands_when_the_second_breaks_off(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.script(HALF, Scripted(("The pump",), then="disconnect"))
    found = await events(pipeline, QUESTION, index=LONG)
    result = answered(found)
    assert result.text.startswith("I see half")
    assert result.warnings[0].endswith("So what the model wrote at first stands.")
    assert result.warnings[1].startswith("The server read 1026 tokens of a prompt of about ")
    shown = [event.context for event in found if isinstance(event, Retrieved)]
    assert result.context == shown[-1] == shown[0]
    assert result.usage[MODEL].estimated


async def test_nothing_is_sent_again_when_a_server_does_not_count(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.script(Scripted(("By a crew.",), usage=None))
    result = await answer(pipeline, QUESTION, index=LONG)
    assert result.warnings == ()
    assert len(scripted_server.history) == 1


# --- replies that were cut ---------------------------------------------------------------


async def test_the_answer_says_so_when_a_cut_reply_is_called_finished(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=AnsweringOptions(top_k=3, max_tokens=1024))
    scripted_server.script(Scripted(("The pump is served by the",), usage=(600, 512)))
    result = await answer(pipeline, QUESTION, index=LONG)
    assert result.warnings == (
        "The answer seems to be cut after about 512 tokens, though the server calls it finished. "
        "Ask for less, or look for a limit in the server's settings.",
    )


async def test_the_answer_says_so_when_it_is_as_long_as_it_may_be_and_called_finished(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=AnsweringOptions(top_k=3, max_tokens=6))
    scripted_server.script(Scripted(("The pump is served by the",), usage=None))
    result = await answer(pipeline, QUESTION, index=LONG)
    assert result.warnings == (
        "The answer was cut at 6 tokens. Allow longer answers, or ask for less.",
    )


async def test_the_answer_says_so_when_the_servers_context_was_full_before_its_end(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=NARROW)
    full = Scripted(("The pump is served",), usage=(600, 40), finish_reason="length")
    scripted_server.script(full)
    result = await answer(pipeline, QUESTION, index=LONG)
    assert result.warnings == (
        "The answer was cut after 40 tokens, because the server has no room for more. Give "
        "scripted-model more context, or use fewer passages.",
    )


async def test_nothing_is_said_when_a_reply_ends_well_at_a_usual_limit(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=NARROW)
    scripted_server.script(Scripted(("The pump is served.",), usage=(600, 256)))
    result = await answer(pipeline, QUESTION, index=LONG)
    assert result.warnings == ()


# --- thinking ----------------------------------------------------------------------------


async def test_thinking_is_apart_from_the_answer_when_a_model_thinks(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=NARROW)
    scripted_server.script(
        Scripted(
            ("By ", "a crew."),
            [-0.1, -0.2],
            reasoning=("Passage 7777 ", "says ![x](http://e.vil/7)."),
            usage=(600, 20),
        )
    )
    found = await events(pipeline, QUESTION, index=LONG)
    result = answered(found)
    assert phases(found) == ["waiting", "thinking", "writing"]
    assert streamed(found) == "By a crew."
    thought = "".join(event.reasoning for event in found if isinstance(event, Delta))
    assert thought == "Passage 7777 says ! [x](http://e.vil/7)."  # no image, even while it streams
    (attempt,) = result.attempts
    assert attempt.text == "By a crew."
    assert attempt.reasoning == "Passage 7777 says ! [x] (`http://e.vil/7`)."
    assert "7777" not in result.text
    assert result.confidence.verdict == "accept"


async def test_a_model_gets_room_to_think_when_it_was_seen_to(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(context_tokens=32_768), options=NARROW)
    thoughtful = Scripted(("By a crew.",), reasoning=("Hm.",), usage=(600, 20))
    scripted_server.script(thoughtful, thoughtful)
    for _ in range(2):
        await answer(pipeline, QUESTION, index=LONG)
    limits = [sent.body["max_tokens"] for sent in scripted_server.history]
    assert limits == [512, 512 + THINKING_TOKENS]


async def test_it_is_asked_again_with_more_room_when_it_spent_all_on_thinking(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(context_tokens=32_768), options=NARROW)
    spent = Scripted((), reasoning=("Hm.",), usage=(600, 2048), finish_reason="length")
    scripted_server.script(THOUGHT, SHORT, spent, SHORT)
    results = [await answer(pipeline, QUESTION, index=LONG) for _ in range(2)]
    assert [result.warnings for result in results] == [(), ()]
    assert results[0].usage[MODEL] == Usage(600 + 600, 512 + 8, estimated=False)
    limits = [sent.body["max_tokens"] for sent in scripted_server.history]
    more = 512 + THINKING_TOKENS
    assert limits == [512, more, more, 512 + LONG_THINKING_TOKENS]


async def test_the_answer_says_so_when_there_is_no_more_room_to_think(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(context_tokens=32_768), options=NARROW)
    scripted_server.fallback = Scripted(
        (), reasoning=("Hm.",), usage=(600, 2048), finish_reason="length"
    )
    result = await answer(pipeline, QUESTION, index=LONG)
    assert len(scripted_server.history) == 2
    assert result.confidence.verdict == "escalate"
    assert result.warnings == (
        "scripted-model spent all 2048 tokens of its reply on thinking and wrote no answer. "
        "Raise RAG_MAX_TOKENS, or choose a model that thinks less.",
    )


async def test_the_draft_stands_when_the_larger_model_only_thinks(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model("small"), await model("large"), NARROW)
    scripted_server.script(Scripted(("The pump is 7777.",), usage=(600, 5)), THOUGHT, THOUGHT)
    result = await answer(pipeline, QUESTION, index=LONG, mode="auto")
    assert result.text.startswith("The pump is 7777")
    assert any("on thinking and wrote no answer" in warning for warning in result.warnings)


async def test_the_passages_that_were_read_are_shown_when_less_was_sent_again(
    scripted_server: ScriptedServer, model: Make
) -> None:
    pipeline = Pipeline(await model(), options=WIDE)
    scripted_server.script(HALF, RIGHT)
    found = await events(pipeline, QUESTION, index=LONG)
    shown = [event.context for event in found if isinstance(event, Retrieved)]
    assert len(shown[0].hits) > len(shown[-1].hits) > 0
    assert answered(found).context == shown[-1]


async def test_what_came_as_the_answer_is_thinking_when_a_mark_says_so_at_last(
    scripted_server: ScriptedServer, model: Make
) -> None:
    """A model whose prompt opens its thinking writes only the closing mark."""
    pipeline = Pipeline(await model(), options=NARROW)
    deltas = ("Passage 7777, ", "hm.", "</think>", "By ", "a crew.")
    scripted_server.script(Scripted(deltas, [-0.5, -0.4, -0.3, -0.2, -0.1], usage=(600, 9)))
    (attempt,) = (await answer(pipeline, QUESTION, index=LONG)).attempts
    assert attempt.text == "By a crew."
    assert attempt.reasoning == "Passage 7777, hm."
    assert attempt.confidence is not None
    assert attempt.confidence.verdict == "accept"
