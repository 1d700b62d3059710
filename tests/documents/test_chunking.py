"""Chunking: nothing lost, nothing over budget, cut where a person would cut."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.documents.chunking import chunk
from rag.tokens import count_tokens
from rag.types import Chunk, Document

MARKDOWN = "text/markdown"
PLAIN = "text/plain"


def document(*pages: str, media_type: str = MARKDOWN, language: str = "en") -> Document:
    return Document("ab" * 32, "file.md", media_type, pages, language)


def texts(*pages: str, media_type: str = MARKDOWN, max_tokens: int = 192) -> list[str]:
    chunks = chunk(document(*pages, media_type=media_type), max_tokens=max_tokens, overlap=0.25)
    return [each.text for each in chunks]


def sections(*pages: str, media_type: str = MARKDOWN) -> list[tuple[str, str]]:
    chunks = chunk(document(*pages, media_type=media_type), max_tokens=192, overlap=0.25)
    return [(each.section, each.text) for each in chunks]


@pytest.mark.parametrize("pages", [(), ("",), ("", ""), (" \n\n\t",)])
def test_there_is_no_chunk_when_there_is_no_text(pages: tuple[str, ...]) -> None:
    assert chunk(document(*pages), max_tokens=192, overlap=0.25) == ()


def test_a_chunk_knows_its_place_when_a_document_has_one_line() -> None:
    [only] = chunk(document("", "One line."), max_tokens=192, overlap=0.25)
    assert only == Chunk(
        id="abababababababab-2-0",
        document_id="ab" * 32,
        document_name="file.md",
        page=2,
        section="",
        text="One line.",
        start=0,
        end=9,
        token_count=3,
        language="en",
    )


def test_paragraphs_share_a_chunk_when_they_fit() -> None:
    assert texts("One.\n\nTwo.") == ["One.\n\nTwo."]


def test_paragraphs_are_kept_whole_when_they_do_not_fit_together() -> None:
    first, second = "One two three four five six.", "Seven eight nine ten eleven."
    assert texts(f"{first}\n\n{second}", max_tokens=10) == [first, second]


def test_sentences_are_kept_whole_when_a_paragraph_is_split() -> None:
    text = "The first is here. The second is there. The third is gone."
    assert texts(text, max_tokens=11) == [
        "The first is here. The second is there.",
        "The third is gone.",
    ]


def test_the_last_sentence_is_repeated_when_a_paragraph_is_split() -> None:
    text = "The first is here. It is. The second is there. It was. The third is gone. It had."
    chunks = chunk(document(text), max_tokens=12, overlap=0.5)
    assert [each.text for each in chunks] == [
        "The first is here. It is.",
        "It is. The second is there. It was.",
        "It was. The third is gone.",
        "It had.",
    ]


def test_nothing_is_repeated_when_paragraphs_are_whole() -> None:
    text = "\n\n".join(f"Paragraph number {number} says so." for number in range(20))
    assert "\n\n".join(texts(text, max_tokens=30)) == text


def test_a_chunk_begins_when_a_heading_does() -> None:
    text = "Before.\n\n# Care **and** `use`\nDry it.\n\n## [Storage](x.md) ##\n\nKeep it."
    assert sections(text) == [
        ("", "Before."),
        ("Care and use", "# Care **and** `use`\nDry it."),
        ("Storage", "## [Storage](x.md) ##\n\nKeep it."),
    ]


def test_the_nearest_heading_counts_when_two_follow_each_other() -> None:
    assert sections("# A\n## B\ntext\n\n# C") == [("B", "# A\n## B\ntext"), ("C", "# C")]


def test_a_heading_is_not_left_alone_when_its_paragraph_nearly_fills_a_chunk() -> None:
    paragraph = "A sentence of six words here. " * 4
    chunks = texts(f"# Title\n\n{paragraph.strip()}", max_tokens=count_tokens(paragraph.strip()))
    assert chunks[0].startswith("# Title\n\nA sentence")


def test_a_heading_holds_when_the_page_is_turned() -> None:
    assert sections("# One\nfirst", "second\n\n# Two\nthird", "fourth") == [
        ("One", "# One\nfirst"),
        ("One", "second"),
        ("Two", "# Two\nthird"),
        ("Two", "fourth"),
    ]


def test_underlined_lines_are_headings_when_the_text_is_markdown() -> None:
    assert sections("Title\n=====\ntext\n\nSub\n---\nmore") == [
        ("Title", "Title\n=====\ntext"),
        ("Sub", "Sub\n---\nmore"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```\n# a comment\n```\ntext",
        "~~~ sh\nls\n\n# a comment\n~~~",
        "---\ntitle: front matter\n---\ntext",
        "a | b\n--- | ---\n1 | 2",
        "#hashtag and #another",
        "text\n***\ntext",
    ],
)
def test_there_is_no_heading_when_a_line_only_looks_like_one(text: str) -> None:
    assert [section for section, _ in sections(text)] == [""]


@pytest.mark.parametrize(
    "line",
    [
        "Chapter 3",
        "CHAPTER IV",
        "Article 12. Delivery terms",
        "Capitolul II - Dispoziții generale",
        "Anexa nr. 1",
        "2.1 Related work",
        "10.2.3. Termene de livrare",
        "GENERAL PROVISIONS",
        "DISPOZIȚII FINALE",
    ],
)
def test_a_printed_line_is_a_heading_when_it_can_hardly_be_anything_else(line: str) -> None:
    page = f"Some text before it.\n{line}\nThe text that comes after it, as a sentence."
    assert [section for section, _ in sections(page, media_type="application/pdf")] == ["", line]


@pytest.mark.parametrize(
    "line",
    [
        "Article 12 of the Treaty provides",
        "Part of this was known",
        "section a of the building",
        "2.1 of these",
        "12 January 2020",
        "1. Buy milk",
        "The end of a sentence.",
        "USD",
        "12.50 EUR",
        "2019-2020",
    ],
)
def test_a_printed_line_is_text_when_it_may_be_anything(line: str) -> None:
    page = f"Some text before it.\n{line}\nThe text that comes after it, as a sentence."
    assert [section for section, _ in sections(page, media_type="application/pdf")] == [""]


def test_rows_are_kept_whole_when_a_table_is_split() -> None:
    rows = ["name | price", "tea | 1", "coffee | 2", "water | 0"]
    chunks = chunk(document("\n".join(rows), media_type="text/csv"), max_tokens=12, overlap=0.25)
    assert [each.text for each in chunks] == ["name | price\ntea | 1", "coffee | 2\nwater | 0"]
    assert {each.section for each in chunks} == {"name | price"}


def test_a_passage_has_its_own_language_when_a_document_mixes_two() -> None:
    english = "The contract may be ended by either side with a notice of thirty days in writing."
    romanian = "Contractul poate fi încetat de oricare parte cu un preaviz de treizeci de zile."
    chunks = chunk(document(english, romanian), max_tokens=192, overlap=0.25)
    assert [each.language for each in chunks] == ["en", "ro"]


def test_a_wall_of_characters_is_cut_when_it_has_no_space() -> None:
    wall = "x9" * 5_000
    assert "".join(texts(wall, max_tokens=64)) == wall


def nothing_is_lost(page: str, chunks: list[Chunk]) -> None:
    kept = [False] * len(page)
    for each in chunks:
        assert page[each.start : each.end] == each.text
        kept[each.start : each.end] = [True] * len(each.text)
    assert not "".join(
        char for char, is_kept in zip(page, kept, strict=True) if not is_kept
    ).strip()


MARKS = ["end.", "Why?", "\n", "\n\n", "# ", "```", "|", "1.", "- ", "。", "\u00a0", "==="]
WORDS = st.sampled_from(["a", "it", "Word", "câine", "😀", "supercalifragilistic" * 4, *MARKS])
TEXTS = st.one_of(
    st.lists(WORDS, max_size=120).map(" ".join),
    st.text(max_size=400),
    st.lists(st.text(st.sampled_from("ab. \n#|é"), max_size=40), max_size=30).map("\n".join),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(TEXTS, max_size=3),
    st.sampled_from([MARKDOWN, PLAIN, "application/pdf", "text/csv"]),
    st.integers(4, 60),
    st.sampled_from([0.0, 0.25, 0.9]),
)
@example(["# " + "h " * 300 + "\n\ntext"], MARKDOWN, 20, 0.25)
@example([". " * 200], PLAIN, 4, 0.9)
def test_chunks_cover_the_text_within_the_budget_when_it_is_anything(
    pages: list[str], media_type: str, max_tokens: int, overlap: float
) -> None:
    source = document(*pages, media_type=media_type)
    chunks = chunk(source, max_tokens=max_tokens, overlap=overlap)
    for number, page in enumerate(pages, 1):
        own = [each for each in chunks if each.page == number]
        nothing_is_lost(page, own)
        assert [each.start for each in own] == sorted({each.start for each in own})
        for before, after in pairwise(own):
            assert count_tokens(page[after.start : before.end]) <= overlap * max_tokens
    assert len({each.id for each in chunks}) == len(chunks)
    for each in chunks:
        assert each.text == each.text.strip() != ""
        assert each.token_count == count_tokens(each.text) <= max_tokens
    assert chunk(source, max_tokens=max_tokens, overlap=overlap) == chunks


def test_code_is_cut_between_lines_when_it_is_longer_than_a_passage() -> None:
    lines = [f"    total = add(total, {n})  # Is it right? Yes. Chapter {n}" for n in range(40)]
    code = "\n".join(["def total():", *lines])
    found = texts(code, media_type="text/x-source", max_tokens=48)
    assert len(found) > 10
    known = {line.strip() for line in code.split("\n")}
    assert all(line.strip() in known for each in found for line in each.split("\n"))
    assert {section for section, _ in sections(code, media_type="text/x-source")} == {""}
