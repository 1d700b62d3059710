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
