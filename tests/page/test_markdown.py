from __future__ import annotations

import pytest

from rag.page.markdown import answer, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("report.pdf", "report\\.pdf"),
        ("![x](http://evil.example/y.png)", "\\!\\[x\\]\\(http\\://evil\\.example/y\\.png\\)"),
        ("a\n\n# b", "a \\# b"),
        ("<script>", "\\<script\\>"),
    ],
)
def test_text_is_shown_as_it_is_when_it_looks_like_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_citations_become_links_when_their_passages_were_given() -> None:
    assert answer("Blue [1], red [2] and [3].", {1, 2}) == (
        "Blue [[1]](#passage-1), red [[2]](#passage-2) and [3]."
    )


def test_no_citation_is_linked_when_the_answer_still_streams() -> None:
    assert answer("Blue [1].") == "Blue [1]."


def test_code_is_left_alone_when_it_looks_like_a_citation() -> None:
    text = "Use `list[1]` here [1].\n\n```\na:b[1]\n```\n"
    assert answer(text, {1}) == ("Use `list[1]` here [[1]](#passage-1).\n\n```\na:b[1]\n```\n")


def test_words_after_a_colon_stay_when_the_page_knows_directives() -> None:
    assert answer("Run model:latest at 12:30.") == "Run model\\:latest at 12:30."


def test_no_image_is_left_when_the_model_wrote_one() -> None:
    assert answer("![x](https://evil.example/?q=1) ![y][z]") == (
        "\\![x](https://evil.example/?q=1) \\![y][z]"
    )


@pytest.mark.parametrize(
    ("text", "unsupported", "shown"),
    [
        ("It is blue. It is red.", ["It is red."], "It is blue. It is red [?](#unsupported)."),
        ("So. So.", ["So.", "So."], "So [?](#unsupported). So [?](#unsupported)."),
        ("| a | b |", ["| a | b |"], "| a | b [?](#unsupported) |"),
        ("**Bold.**", ["**Bold.**"], "**Bold [?](#unsupported).**"),
        ("Blue [1].", ["Blue [1]."], "Blue [[1]](#passage-1) [?](#unsupported)."),
        ("It is blue.", ["Not in it."], "It is blue."),
        ("It is blue.", [""], "It is blue."),
        ("- One\n- Two", ["- Two"], "- One\n- Two [?](#unsupported)"),
    ],
)
def test_a_sentence_is_marked_before_its_stop_when_no_passage_backs_it(
    text: str, unsupported: list[str], shown: str
) -> None:
    assert answer(text, {1}, unsupported) == shown


def test_a_model_cannot_mark_a_sentence_when_it_writes_the_link_itself() -> None:
    assert "(#unsupported)" not in answer("Blue \ue000.")
