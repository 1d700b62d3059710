"""Chunks for the tests of this room."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from rag.documents.chunking import chunk as chunked
from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.types import Chunk

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the question sets (../shared/data) are not here"
)


def chunk(
    text: str,
    *,
    document: str = "n.md",
    page: int = 1,
    start: int = 0,
    section: str = "",
    language: str = "en",
) -> Chunk:
    return Chunk(
        id=f"{document}:{page}:{start}:{text[:20]}",
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


@cache
def shared_chunks(name: str) -> tuple[Chunk, ...]:
    found: list[Chunk] = []
    for path in sorted((SHARED / name / "docs").glob("*.md")):
        document = read(path, path.name, Limits())
        found += chunked(document, max_tokens=192, overlap=0.25)
    return tuple(found)


@cache
def shared_questions(name: str) -> tuple[tuple[str, str], ...]:
    """Answerable questions, each with the name of its document."""
    lines = (SHARED / name / "qa.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    return tuple((each["question"], each["document"]) for each in asked if each["answers"])
