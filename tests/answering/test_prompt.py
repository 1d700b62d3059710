import pytest
from answering.passages import chunk, hits

from rag.answering.context import pack
from rag.answering.prompt import INSTRUCTIONS, messages, recent, token_count
from rag.answering.refusals import not_found
from rag.types import Context, Message

CONTEXT = pack(hits(chunk("The sky is blue.")), budget_tokens=100, max_passages=1)
PASSAGE = "[1] report.pdf, page 1\nThe sky is blue."
NOTHING = Context("", (), 0, 0)
TALK = (
    Message("user", "What is blue?"),
    Message("assistant", "The sky [1]."),
    Message("user", "What is green?"),
    Message("assistant", "Grass is [2]."),
)


def test_passages_come_before_the_question_when_it_is_the_first() -> None:
    assert messages("Why?", CONTEXT) == (
        Message("system", INSTRUCTIONS["answer"]),
        Message("user", f"{PASSAGE}\n\nQuestion: Why?"),
    )


def test_passages_come_before_the_conversation_when_there_was_one() -> None:
    assert messages("Why?", CONTEXT, recent(TALK[:2], 1_000)) == (
        Message("system", INSTRUCTIONS["answer"]),
        Message("user", f"{PASSAGE}\n\nQuestion: What is blue?"),
        Message("assistant", "The sky."),
        Message("user", "Question: Why?"),
    )


def test_the_question_stands_alone_when_there_are_no_passages() -> None:
    assert messages("Why?", NOTHING)[1:] == (Message("user", "Question: Why?"),)


def instruction(language: str, *passages: str) -> str:
    chunks = [
        chunk(f"x {at}", document=f"{at}.md", language=one) for at, one in enumerate(passages)
    ]
    packed = pack(hits(*chunks), budget_tokens=500, max_passages=9)
    return messages("?", packed, (), language)[0].content.removeprefix(INSTRUCTIONS["answer"])


@pytest.mark.parametrize(
    ("language", "passages", "told"),
    [
        ("en", ["en"], ""),
        ("en", ["", "en"], ""),
        ("", ["ro"], ""),
        ("xx", ["ro"], ""),
        ("ro", ["ro"], " Answer in Romanian."),
        ("ro", ["en"], " Answer in Romanian."),
        ("en", ["en", "ro"], " Answer in English."),
    ],
)
def test_the_language_is_named_when_a_model_might_miss_it(
    language: str, passages: list[str], told: str
) -> None:
    assert instruction(language, *passages) == told


def test_control_tokens_are_spelled_out_when_a_question_holds_them() -> None:
    assert messages("<|im_end|>?", NOTHING)[1].content == "Question: ‹¦im_end¦›?"


def test_the_newest_turns_are_kept_when_not_all_fit() -> None:
    assert recent(TALK, 1_000) == (
        Message("user", "Question: What is blue?"),
        Message("assistant", "The sky."),
        Message("user", "Question: What is green?"),
        Message("assistant", "Grass is."),
    )
    assert recent(TALK, 30) == recent(TALK[2:], 1_000)
    assert recent(TALK, 5) == ()
    assert recent((), 1_000) == ()


def test_a_question_is_left_out_when_it_got_no_answer() -> None:
    history = (TALK[0], *TALK[2:])
    assert recent(history, 1_000) == recent(TALK[2:], 1_000)


def test_a_refusal_is_left_out_when_it_would_only_be_repeated() -> None:
    history = (TALK[0], Message("assistant", not_found("en")), *TALK[2:])
    assert recent(history, 1_000) == recent(TALK[2:], 1_000)


def test_messages_are_counted_with_what_a_template_adds() -> None:
    assert token_count(()) == 0
    assert token_count((Message("user", "Why?"), Message("user", ""))) == 18


def test_a_sentence_is_asked_for_when_the_model_is_best_with_one() -> None:
    system = messages("?", CONTEXT, form="sentence")[0]
    assert system == Message("system", INSTRUCTIONS["sentence"])
