"""Files in, their passages out: what the benches over documents begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.documents.ingest import FileRead, Ingestor, SourceFile
from rag.documents.limits import Limits
from rag.types import Chunk


async def chunks_of(files: Sequence[Path]) -> list[Chunk]:
    ingestor = Ingestor(Limits(), max_tokens=192, overlap=0.25, workers=2, timeout_s=300)
    sources = [SourceFile(path, path.name) for path in files]
    read = [event async for event in ingestor.ingest(sources) if isinstance(event, FileRead)]
    ingestor.close()
    return [chunk for event in read for chunk in event.chunks]
