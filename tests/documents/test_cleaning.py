"""Cleaning: what a reader shows must be what a person would have typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.documents.cleaning import clean


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("", ""),
        (" \n\t\n", ""),
        ("one\x00 two\x07", "one two"),
        ("a\r\nb\rc\u2028d\fe", "a\nb\nc\nd\ne"),
        ("one\n\n\n\n\ntwo", "one\n\ntwo"),
        ("one\n \t \n  \ntwo", "one\n\ntwo"),
        ("one  \u00a0 two\tthree", "one two three"),
        ("\ufeffzero\u200bwidth", "zerowidth"),
        ("ﬁne, oﬃce, ﬂow", "fine, office, flow"),
        ("soft\u00adhyphen", "softhyphen"),
        ("e\u0301te\u0301", "été"),
        ("m² stays m²", "m² stays m²"),
        ("high \ud83d\ude00 and lone \ud83d end", "high 😀 and lone \ufffd end"),
        ("trailing   \nspaces \n", "trailing\nspaces"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_text_is_made_readable_when_it_is_odd(raw: str, cleaned: str, wrapped: bool) -> None:
    assert clean(raw, wrapped=wrapped) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("an exam-\nple", "an example"),
        ("an exam- \n  ple", "an example"),
        ("învăță-\ntură", "învățătură"),
        ("soft\u00ad\nhyphen", "softhyphen"),
        ("2019-\n2020", "2019-\n2020"),
        ("A-\nlevel", "A-\nlevel"),
        ("Anglo-\nSaxon", "Anglo-\nSaxon"),
        ("end -\nnext", "end -\nnext"),
        ("-\nnext", "-\nnext"),
        ("end-", "end-"),
        ("    indented\n      more", "indented\nmore"),
    ],
)
def test_words_are_joined_when_a_printed_line_had_cut_them(raw: str, cleaned: str) -> None:
    assert clean(raw, wrapped=True) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("def f():\n    return  1\n\tx", "def f():\n    return 1\n    x"),
        ("- item-\nnext", "- item-\nnext"),
    ],
)
def test_lines_are_left_alone_when_the_text_is_not_wrapped(raw: str, cleaned: str) -> None:
    assert clean(raw, wrapped=False) == cleaned


@given(st.text(st.characters(codec=None)), st.booleans())
def test_cleaning_settles_when_the_text_is_anything(text: str, wrapped: bool) -> None:
    cleaned = clean(text, wrapped=wrapped)
    assert clean(cleaned, wrapped=wrapped) == cleaned
    assert "\n\n\n" not in cleaned
    assert "\x00" not in cleaned
    cleaned.encode()


@given(st.text("aBă1- \n\t.\xa0"), st.booleans())
def test_nothing_but_spaces_and_cuts_goes_when_the_text_is_plain(text: str, wrapped: bool) -> None:
    kept = "".join(clean(text, wrapped=wrapped).split()).replace("-", "")
    assert kept == "".join(text.split()).replace("-", "")
