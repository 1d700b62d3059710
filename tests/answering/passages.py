"""Chunks and hits for the tests of this room."""

from __future__ import annotations

from rag.types import Chunk, Hit


def chunk(
    text: str,
    *,
    id: str = "",
    document: str = "report.pdf",
    page: int = 1,
    section: str = "",
    start: int = 0,
    language: str = "en",
) -> Chunk:
    return Chunk(
        id=id or f"{document}:{page}:{start}",
        document_id=f"id of {document}",
        document_name=document,
        page=page,
        section=section,
        text=text,
        start=start,
        end=start + len(text),
        token_count=len(text.split()),
        language=language,
    )


def hits(*chunks: Chunk, matched: tuple[str, ...] = ()) -> tuple[Hit, ...]:
    return tuple(Hit(found, 10.0 - at, at + 1, matched) for at, found in enumerate(chunks))
