from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.models.embedded.text import TextStream


def pushed(data: bytes, stop: tuple[str, ...] = (), size: int = 1) -> list[str]:
    stream = TextStream(stop)
    parts = [stream.push(data[at : at + size]) for at in range(0, len(data), size)]
    return [*parts, stream.rest()]


def test_nothing_comes_out_when_nothing_goes_in() -> None:
    assert TextStream().rest() == ""
    assert TextStream().push(b"") == ""


def test_text_comes_at_once_when_there_is_no_stop() -> None:
    assert pushed(b"abc") == ["a", "b", "c", ""]


def test_character_waits_for_its_last_byte_when_bytes_come_one_by_one() -> None:
    assert pushed("ș😀".encode()) == ["", "ș", "", "", "", "😀", ""]


def test_half_a_character_is_lost_when_the_text_ends_in_it() -> None:
    assert pushed("a😀".encode()[:-1]) == ["a", "", "", "", ""]


def test_byte_is_replaced_when_it_begins_no_character() -> None:
    assert pushed(b"a\xffb") == ["a", "\N{REPLACEMENT CHARACTER}", "b", ""]


def test_text_is_held_back_when_it_may_become_a_stop() -> None:
    assert pushed(b"one END", ("END",)) == ["o", "n", "e", " ", "", "", "", ""]


def test_text_is_given_when_it_did_not_become_a_stop() -> None:
    assert pushed(b"EN!", ("END",)) == ["", "", "EN!", ""]
    assert pushed(b"EN", ("END",)) == ["", "", "EN"]


def test_stream_is_stopped_when_the_stop_is_complete() -> None:
    stream = TextStream(("\n\n", "END"))
    assert stream.push(b"a\n") == "a"
    assert not stream.stopped
    assert stream.push(b"\nb") == "\n\n"[:0]
    assert stream.stopped
    assert stream.push(b"c") == ""
    assert stream.rest() == ""


def test_first_stop_counts_when_there_are_several() -> None:
    stream = TextStream(("c", "b"))
    assert stream.push(b"abcd") == "a"


def test_empty_stop_is_none_when_asked_for() -> None:
    assert pushed(b"ab", ("",)) == ["a", "b", ""]


@given(st.text(), st.integers(1, 5))
def test_text_is_the_same_when_cut_anywhere(text: str, size: int) -> None:
    assert "".join(pushed(text.encode(), size=size)) == text


@given(st.text("ab"), st.text("ab", min_size=1, max_size=3), st.integers(1, 3))
def test_text_ends_before_the_stop_when_cut_anywhere(text: str, stop: str, size: int) -> None:
    assert "".join(pushed(text.encode(), (stop,), size)) == text.partition(stop)[0]


@pytest.mark.parametrize("text", ["Țară, piață, însă", "👨‍👩‍👧 🇷🇴", "漢字かな", "naïve — “quoted”"])
def test_no_delta_holds_a_broken_character_when_text_is_not_ascii(text: str) -> None:
    assert not any("\N{REPLACEMENT CHARACTER}" in part for part in pushed(text.encode()))
