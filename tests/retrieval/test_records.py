from __future__ import annotations

import pytest
from retrieval.passages import chunk

from rag.retrieval.records import decode, encode, marked


def test_a_chunk_comes_back_when_it_was_encoded() -> None:
    kept = chunk("red\n\nfox", document="a\nb.md", section="One\tTwo", language="")

    assert decode(encode(kept, ["red", "fox", "red"])) == (kept, " red fox ")


def test_a_term_is_told_from_its_neighbours_when_it_is_looked_up() -> None:
    _, held = decode(encode(chunk("…"), ["foxes", "red"]))

    assert marked("red") in held
    assert marked("fox") not in held
    assert marked("oxes") not in held


def test_a_chunk_comes_back_when_it_has_no_terms() -> None:
    assert decode(encode(chunk(""), [])) == (chunk(""), "  ")


@pytest.mark.parametrize(
    "record",
    [b"", b"[]\n\n", bytes(44) + b"more", encode(chunk("red"), [])[:-1], bytes(43) + b"\1\xff"],
)
def test_it_is_refused_when_it_is_no_record(record: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each of the parts has its own words
        decode(record)
