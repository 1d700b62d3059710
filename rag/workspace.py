"""The composition root: settings in; documents, search, models and a pipeline that fit, out.

It is what the page and the command line share, and the only place where the rooms meet. It decides
nothing about answers, and knows nothing of who shows them. Whatever blocks runs in a thread.

The library is the truth. Several processes may use it; each calls ``refresh`` before it searches,
and so sees what the others have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from pydantic import SecretStr

from rag import folder, language
from rag.answering.pipeline import AnsweringOptions, Consent, Pipeline, always, never
from rag.documents.ingest import FileFailed, FileRead, Ingestor, PageRead, SourceFile
from rag.documents.kinds import EXTENSIONS
from rag.documents.library import Library
from rag.documents.limits import Limits
from rag.errors import NotFound, SettingsError
from rag.indexing import Changes, LibraryCopy, MemoryCopy, chunk_count, fitting
from rag.measuring.counters import Counters
from rag.measuring.energy import meter_of
from rag.measuring.ledger import LEDGER
from rag.measuring.prices import load_prices
from rag.recording import Records
from rag.retrieval.index import Index
from rag.roster import Roster, TierStatus
from rag.settings import Settings, words_of
from rag.turnstile import Turnstile
from rag.types import Answer, Failed, Mode, Tier

MB = 1_000_000
LIBRARY = "library.sqlite"
WAITING_TURNS = 5  # of one person; more are refused


@dataclass(frozen=True, slots=True)
class FileKept:
    """The library has a document of these bytes already; nothing was read."""

    name: str
    source: Path
    document_id: str


IngestEvent = PageRead | FileRead | FileFailed | FileKept


class Workspace:
    """Open it, use it, close it. Raises RagError: SettingsError before anything is opened."""

    library: Library  # from ``open`` to ``close``

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.failures: tuple[FileFailed, ...] = ()  # of the documents folder, when last read
        self._home = settings.data_dir  # of the library and its index
        self._closing = AsyncExitStack()
        self._copy: LibraryCopy = MemoryCopy()
        self._catching_up = asyncio.Lock()
        self._seen: int | None = None  # version of the library that the copy holds
        self._roster = Roster.of(settings)
        self._prices = load_prices(settings.prices, settings.data_dir)
        self._meter = meter_of(settings.watts)
        self.turnstile = Turnstile(settings.turns_at_once, WAITING_TURNS, settings.turns_per_minute)
        self._records = Records(
            settings.data_dir / LEDGER if settings.ledger else None, settings.otlp_endpoint
        )
        self._ingestor = Ingestor(
            Limits(file_bytes=settings.max_file_mb * MB, pages=settings.max_pages),
            settings.chunk_tokens,
            settings.chunk_overlap,
            settings.workers,
            settings.file_timeout_s,
        )

    @classmethod
    def temporary(cls, settings: Settings, docs_dir: Path) -> Self:
        """One over ``docs_dir`` alone, of which nothing is left once it is closed."""
        own = {"docs_dir": docs_dir.absolute(), "index": SecretStr("")}
        workspace = cls(settings.model_copy(update=own))
        scratch = TemporaryDirectory(prefix="edge-rag-chat-", ignore_cleanup_errors=True)
        workspace._home = Path(scratch.name)
        workspace._at_close(scratch.cleanup)
        return workspace

    # --- opening and closing -------------------------------------------------------------

    async def open(
        self,
        on_event: Callable[[IngestEvent], None] = lambda event: None,
        *,
        follow: bool = True,
        warm: bool = True,
    ) -> None:
        """Bring library and index in step with the documents folder; ``on_event`` hears how.

        Meanwhile, and afterwards in the background, the model that answers first is made ready,
        unless it is on another machine and has to be allowed first.
        Without ``follow`` the folder, without ``warm`` the model is left alone.
        """
        self.library = await asyncio.to_thread(Library, self._home / LIBRARY)
        self._at_close(self.library.close)
        self._changes = await asyncio.to_thread(Changes, self._home / LIBRARY)
        self._at_close(self._changes.close)
        self._at_close(self._ingestor.close)
        self._at_close(self._records.close)
        self._closing.push_async_callback(self._roster.close)
        if warm:
            # The larger model of the other modes takes memory that may never be needed.
            self._roster.warm("llm" if self.settings.mode == "llm" else "slm")
            await asyncio.to_thread(language.warm_up)
        try:
            if follow:
                await self.follow_folder(on_event)
            await self.refresh()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._closing.aclose()

    def _at_close(self, blocking: Callable[[], None]) -> None:
        self._closing.push_async_callback(asyncio.to_thread, blocking)

    # --- documents -----------------------------------------------------------------------

    async def follow_folder(
        self, on_event: Callable[[IngestEvent], None] = lambda event: None
    ) -> None:
        """Add, replace and remove what changed in the documents folder since it was last read."""
        found = await asyncio.to_thread(self._difference)
        for document_id in found.remove:
            await asyncio.to_thread(self.library.remove, document_id)
        failures = []
        async with aclosing(
            self.ingest([SourceFile(path, path.name) for path in found.add])
        ) as events:
            async for event in events:
                on_event(event)
                if isinstance(event, FileFailed):
                    failures.append(event)
        self.failures = tuple(failures)

    async def ingest(self, files: Sequence[SourceFile]) -> AsyncGenerator[IngestEvent]:
        """Read files into the library; one from the path of an older document replaces it."""
        unread = []
        for file in files:
            kept = await asyncio.to_thread(self._kept, file)
            if kept is None:
                unread.append(file)
            else:
                yield kept
        async with aclosing(self.read(unread)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, FileRead):
                    yield await asyncio.to_thread(self._stored, event)
                else:
                    yield event
        await self.refresh()

    def read(self, files: Sequence[SourceFile]) -> AsyncIterator[PageRead | FileRead | FileFailed]:
        """Read files and keep nothing: a chat's own uploads."""
        return self._ingestor.ingest(files)

    async def expect_files(self) -> None:
        """Some are on their way: be ready to read them."""
        await self._ingestor.expect()

    async def forget(self, document_id: str) -> None:
        """Remove a document and everything derived from it. Raises NotFound.

        Its file, if it is in the documents folder, is not read again until it changes or is
        ingested by name.
        """
        await asyncio.to_thread(self.library.remove, document_id)
        await asyncio.to_thread(self._unwanted.add, document_id)
        await self.refresh()

    def _difference(self) -> folder.Difference:
        files = folder.files(self.settings.docs_dir, EXTENSIONS)
        held = {entry.id: entry.source for entry in self.library.documents()}
        return folder.difference(
            self.settings.docs_dir, folder.digests(files), held, self._unwanted.ids()
        )

    def _kept(self, file: SourceFile) -> FileKept | None:
        """What to say of a file that need not be read; None for one that must, or cannot, be."""
        try:
            entry = self.library.entry(folder.digest(file.path))
        except (OSError, NotFound):
            return None
        return FileKept(file.name, file.path, entry.id)

    def _stored(self, event: FileRead) -> IngestEvent:
        added = self.library.add(event.document, event.chunks, event.source)
        if not added:
            return FileKept(event.document.name, event.source, event.document.id)
        self._unwanted.discard(event.document.id)
        for document_id in self.library.ids_from(event.source):
            if document_id != event.document.id:
                self.library.remove(document_id)
        return event

    @property
    def _unwanted(self) -> folder.Unwanted:
        return folder.Unwanted(self._home / "forgotten.txt")

    # --- search --------------------------------------------------------------------------

    @property
    def index(self) -> Index:
        """The library as it was at the last ``refresh``; in a cluster also what came later."""
        return self._copy.view()

    async def refresh(self) -> None:
        """Take in what this or another process has changed in the library."""
        async with self._catching_up:
            await asyncio.to_thread(self._catch_up)

    def _catch_up(self) -> None:
        version = self._changes.version()  # before reading: what comes meanwhile is seen next time
        if version is not None and version == self._seen:
            return
        is_large = chunk_count(self.library) > self.settings.memory_index_chunks
        engine = self.settings.index.get_secret_value()
        copy = fitting(self._copy, engine, self._home / "index", is_large=is_large)
        copy.catch_up(self.library)
        self._copy, self._seen = copy, version

    # --- models --------------------------------------------------------------------------

    async def pipeline(
        self,
        *,
        slm: str | None = None,
        llm: str | None = None,
        top_k: int | None = None,
        context_tokens: int | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        consent: Consent = never,
    ) -> Pipeline:
        """What answers questions; None means as the settings say, whose ``max_tokens`` is the most.
        Raises SettingsError.

        ``consent`` is asked before a model on another machine is, unless the settings allow it.
        """
        small = (await self._roster.resolve("slm", slm)).model
        large = (await self._roster.resolve("llm", llm)).model
        first = small or large
        if first is None:
            raise SettingsError("There is no model: set RAG_SLM or RAG_LLM, to auto for example.")
        return Pipeline(
            first,
            large,
            AnsweringOptions(
                top_k=top_k or self.settings.top_k,
                context_tokens=context_tokens or self.settings.context_tokens,
                temperature=self.settings.temperature if temperature is None else temperature,
                max_tokens=min(max_tokens or self.settings.max_tokens, self.settings.max_tokens),
                stop=tuple(stop),
                escalation_timeout_s=self.settings.escalation_timeout_s,
                refine_topics=words_of(self.settings.refine_topics),
                prices=self._prices,
                meter=self._meter,
                usd_per_kwh=self.settings.usd_per_kwh,
            ),
            consent=always if self.settings.allow_remote else consent,
            watch=self.counters.running,
        )

    async def record(
        self, end: Answer | Failed, mode: Mode, owner: str = "", chat: str = ""
    ) -> None:
        """Count a turn, and append it to log and ledger. Never raises."""
        await self._records.ended(end, mode, owner, chat)

    async def record_kept(self, trace_id: str) -> None:
        """Note that a person took the local answer back after the larger model had answered.

        For the turn of the answer's ``trace_id``, once the answer itself has been recorded.
        """
        await self._records.kept(trace_id)

    @property
    def counters(self) -> Counters:
        return self._records.counters

    @property
    def roster(self) -> Roster:
        """The models themselves: what was found, tried and can be fetched."""
        return self._roster

    def status(self, tier: Tier, setting: str | None = None) -> TierStatus:
        """How far the model of ``setting``, None for the tier's own, is from answering."""
        return self._roster.status(tier, setting)

    @property
    def model_names(self) -> tuple[str, ...]:
        """What a tier can be set to without writing an address."""
        return self._roster.choices
