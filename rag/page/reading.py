"""Dropped files into a chat: a reader's events in, frames of a progress list out (Markdown)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.documents.ingest import FileFailed, FileRead, PageRead, SourceFile
from rag.page import listing
from rag.page.chat import Chat
from rag.page.markdown import plain

FRAME_S = 0.3


@dataclass(frozen=True, slots=True)
class Dropped:
    path: Path
    name: str
    url: str  # where the browser finds it


class Reading:
    """One batch of files, in the order they were dropped."""

    def __init__(self, files: Sequence[Dropped], chat: Chat) -> None:
        self.sources = [SourceFile(file.path, file.name) for file in files]
        self._words, self.chat = chat.words, chat
        self._urls = {file.path: file.url for file in files}
        self._names = {file.path: file.name for file in files}
        self._states = {file.path: chat.words("file_waiting") for file in files}
        self._unfinished = list(self._names)
        self.failures: list[str] = []  # Markdown, a paragraph for each file
        self.searched: list[str] = []  # names of the files that can be asked about

    async def frames(
        self,
        events: AsyncIterator[PageRead | FileRead | FileFailed],
        library_ids: Collection[str],
    ) -> AsyncIterator[tuple[str, str]]:
        """Title and list, now and then while files are read, and once at the end."""
        shown_at = 0.0
        async for event in events:
            match event:
                case PageRead():
                    self._page(event)
                case FileRead():
                    self._read(event, library_ids)
                case FileFailed():
                    self._failed(event)
            if time.monotonic() - shown_at >= FRAME_S:
                yield self.title(), self.lines()
                shown_at = time.monotonic()
        yield self.title(), self.lines()

    def _page(self, event: PageRead) -> None:
        state = self._words("file_page", page=event.page, pages=event.pages)
        self._states[event.source] = state

    def _read(self, event: FileRead, library_ids: Collection[str]) -> None:
        document = event.document
        self.chat.dropped.add(document.id)
        state = listing.size(len(document.pages), len(event.chunks), self._words)
        if document.id in library_ids:
            state = self._words("file_known_library")
        elif not self.chat.add(document, event.chunks, self._urls[event.source]):
            state = self._words("file_known_chat")
        self._end(event.source, state + (f" · {plain(document.note)}" if document.note else ""))
        self.searched.append(self._names[event.source])

    def _failed(self, event: FileFailed) -> None:
        self._end(event.source, self._words("file_failed"))
        self.failures.append(f"**{plain(event.name)}**: {plain(event.reason)}")

    def _end(self, path: Path, state: str) -> None:
        self._states[path] = state
        self._unfinished.remove(path)

    def title(self) -> str:
        files = self._words.count(len(self._names), "file")
        if self._unfinished:
            return self._words("reading", files=files)
        if self.failures:
            return self._words("read_some", done=len(self.searched), files=files)
        return self._words("read", files=files)

    def ready(self) -> str:
        """A sentence on what can be asked about now."""
        names = ", ".join(f"**{plain(name)}**" for name in self.searched)
        return self._words("files_ready", names=names)

    def lines(self) -> str:
        return "\n".join(
            f"- **{plain(name)}** · {self._states[path]}" for path, name in self._names.items()
        )
