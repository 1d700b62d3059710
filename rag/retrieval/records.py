"""A chunk as the bytes that a search index keeps of it, with its terms: quick to read again.

Numbers first, among them how many characters each text has; then all texts in a row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from rag.types import Chunk

_UTF8 = ("utf-8", "surrogatepass")  # names of files and texts of PDFs hold lone surrogates
# Page, start, end, tokens; lengths of id, document's id and name, section, language, terms, text.
_NUMBERS = struct.Struct("<11I")


def encode(chunk: Chunk, terms: Iterable[str]) -> bytes:
    texts = (
        chunk.id,
        chunk.document_id,
        chunk.document_name,
        chunk.section,
        chunk.language,
        marked(" ".join(dict.fromkeys(terms))),
        chunk.text,
    )
    places = (chunk.page, chunk.start, chunk.end, chunk.token_count)
    return _NUMBERS.pack(*places, *map(len, texts)) + "".join(texts).encode(*_UTF8)


def decode(record: bytes) -> tuple[Chunk, str]:
    """The chunk, and its terms as text: one is held if ``marked`` of it is in there.

    Raises ValueError for what ``encode`` did not make.
    """
    if len(record) < _NUMBERS.size:
        raise ValueError("a record is cut short")
    page, start, end, token_count, *lengths = _NUMBERS.unpack_from(record)
    texts = record[_NUMBERS.size :].decode(*_UTF8)
    if sum(lengths) != len(texts):
        raise ValueError("a record is not as long as it says")
    parts, at = [], 0
    for length in lengths:
        parts.append(texts[at : at + length])
        at += length
    id_, document_id, name, section, language, held, text = parts
    chunk = Chunk(id_, document_id, name, page, section, text, start, end, token_count, language)
    return chunk, held


def marked(term: str) -> str:
    return f" {term} "
