"""``search --expected``: why a passage that a person expected was found, or was not.

A search and a person's words in, an ``Expected`` out. It only reads, and asks no model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from math import inf

from rag.answering.budget import share
from rag.answering.context import pack
from rag.answering.fitting import DEFAULT_PASSAGES
from rag.answering.turn import CANDIDATES
from rag.documents.library import LibraryEntry
from rag.retrieval.explaining import all_explained, holds_phrase, lacking, missing, total
from rag.retrieval.index import Index, Scoped
from rag.types import Chunk, Expected, Hit, Missing, Query
from rag.workspace import Workspace

_RANKED = 1_000  # passages in which its rank is looked for
_NEAR = 100  # passages that match the expected words best
_NAMED = 5  # documents that were not read whole; more are counted

_PLACE = re.compile(r"(?P<document>.+):(?P<page>\d+)")


@dataclass(frozen=True)
class Sought:
    workspace: Workspace
    index: Index  # that was searched
    query: Query
    k: int  # how many hits were shown
    wanted: str  # words of the passage, or DOCUMENT:PAGE

    def told(self) -> Expected:
        """Blocks: it ranks many passages."""
        passages = self._passages()
        if not passages:
            return Expected(None, None, None, (), tuple(self._absent()))
        ranks = {hit.chunk.id: hit.rank for hit in self._ranked}
        chunk = min(passages, key=lambda one: ranks.get(one.id, inf))
        rank, lacks = ranks.get(chunk.id), missing(self.query.text, chunk)
        hit = Hit(chunk, 0.0, 0, ())
        score = total(all_explained(self.index, self.query, [hit])[chunk.id])
        reasons = (self._place_of(chunk, rank, score), *_lacks(lacks), *self._read(rank))
        return Expected(chunk, rank, score, lacks, reasons)

    # --- which passage -------------------------------------------------------------------

    def _passages(self) -> Sequence[Chunk]:
        if self._place:
            entries, page = self._place
            held = (self.workspace.library.chunks(entry.id) for entry in entries)
            return [chunk for chunk in chain.from_iterable(held) if chunk.page == page]
        chunks = [hit.chunk for hit in (*self._ranked, *self._near)]
        exact = [chunk for chunk in chunks if holds_phrase(self.wanted, chunk)]
        return exact or [chunk for chunk in chunks if not lacking(self.wanted, chunk)]

    @cached_property
    def _ranked(self) -> Sequence[Hit]:
        return self.index.search(self.query, max(_RANKED, self.k))

    @cached_property
    def _near(self) -> Sequence[Hit]:
        """In all documents: where the expected words would be found."""
        return self.workspace.index.search(Query(self.wanted), _NEAR)

    @cached_property
    def _place(self) -> tuple[Sequence[LibraryEntry], int] | None:
        """Documents and page, where ``wanted`` names them."""
        if not (named := _PLACE.fullmatch(self.wanted.strip())):
            return None
        name = named["document"].lower()
        found = [
            entry
            for entry in self.workspace.library.documents()
            if name in {entry.name.lower(), entry.id}
        ]
        return (found, int(named["page"])) if found else None

    # --- what to say of it ---------------------------------------------------------------

    def _place_of(self, chunk: Chunk, rank: int | None, score: float) -> str:
        if isinstance(self.index, Scoped) and chunk.document_id not in self.index.documents:
            return "It was filtered out: --document names other documents."
        if not score:
            return "It shares no word with the question."
        if rank is not None and rank <= self.k:
            return f"It was found: it is passage {rank}."
        last = self._ranked[self.k - 1].score
        where = f"It is passage {rank}" if rank else f"{len(self._ranked)} others are before it"
        return f"{where}: its score is {score:.2f}, that of the last one shown {last:.2f}."

    def _read(self, rank: int | None) -> Iterator[str]:
        """What ``ask`` would do with it, whose model may be one that gets fewer or more."""
        settings = self.workspace.settings
        passages = settings.top_k or DEFAULT_PASSAGES
        candidates = max(CANDIDATES, 2 * passages)
        if rank is None:
            return
        if rank > candidates:
            yield f"`ask` looks at the best {candidates} alone."
            return
        budget = share(None, 0, settings.max_tokens, settings.context_tokens).passage_tokens
        packed = pack(self._ranked[:candidates], budget_tokens=budget, max_passages=passages)
        why = next((drop.reason for drop in packed.dropped if drop.hit.rank == rank), "")
        given = f"at {_counted(passages, 'passage')} a model"
        if why:
            yield f"`ask` would leave it out, {given}: {_lower(why)}"
        else:
            yield f"`ask` would have it read, {given}."

    def _absent(self) -> Iterator[str]:
        if self._place:
            entries, page = self._place
            yield from (_nothing_on(page, entry) for entry in entries)
            return
        if named := _PLACE.fullmatch(self.wanted.strip()):
            yield f"No document is called {named['document']}."
        yield "No passage holds these words."
        if nearest := next(iter(self._near), None):
            chunk = nearest.chunk
            yield f"The nearest is on page {chunk.page} of {chunk.document_name}."
            yield from _lacks(missing(self.wanted, chunk), "these words")
        unread = [*self._unread()]
        yield from islice(unread, _NAMED)
        if more := unread[_NAMED:]:
            yield f"{_counted(len(more), 'more file')} like that: see `python -m rag documents`."

    def _unread(self) -> Iterator[str]:
        for failure in self.workspace.failures:
            yield f"{failure.source.name} could not be read: {failure.reason}"
        for entry in self.workspace.library.documents():
            if entry.note:
                yield f"{entry.name} was not read whole: {entry.note}"


def _nothing_on(page: int, entry: LibraryEntry) -> str:
    if not 1 <= page <= entry.page_count:
        return f"{entry.name} has {_counted(entry.page_count, 'page')}: there is no page {page}."
    return f"Page {page} of {entry.name} has no text that could be read. {entry.note}".strip()


def _lacks(words: Collection[Missing], what: str = "words of the question") -> Iterator[str]:
    if words:
        yield f"It lacks {what}: {', '.join(_spelt(one) for one in words)}."


def _spelt(one: Missing) -> str:
    return f"{one.word} (it has “{one.nearest}”)" if one.nearest else one.word


def _counted(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
