"""A chunk as the bytes that a search index keeps of it, with its terms: quick to read again.

Three lines: the chunk's other fields in JSON, its distinct terms, its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from rag.types import Chunk

_UTF8 = ("utf-8", "surrogatepass")  # names of files and texts of PDFs hold lone surrogates


def encode(chunk: Chunk, terms: Iterable[str]) -> bytes:
    fields = [
        chunk.id,
        chunk.document_id,
        chunk.document_name,
        chunk.page,
        chunk.section,
        chunk.start,
        chunk.end,
        chunk.token_count,
        chunk.language,
    ]
    held = "".join(marked(term) for term in dict.fromkeys(terms))
    return f"{json.dumps(fields, ensure_ascii=False)}\n{held}\n{chunk.text}".encode(*_UTF8)


def decode(record: bytes) -> tuple[Chunk, str]:
    """The chunk, and its terms as text: one is held if ``marked`` of it is in there.

    Raises ValueError for what ``encode`` did not make.
    """
    fields, held, text = record.decode(*_UTF8).split("\n", 2)
    id_, document_id, name, page, section, *rest = json.loads(fields)
    return Chunk(id_, document_id, name, page, section, text, *rest), held


def marked(term: str) -> str:
    return f" {term} "
