"""One chat: its own documents and the turns so far. Plain values, kept in the browser's session.

Its documents live as long as the chat, and are searched together with the library. Search engines
are imported when the first document arrives: the page itself is served before that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag.page.phases import Pace
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import Answer, Chunk, Document, Message, Mode, Tier

if TYPE_CHECKING:
    from rag.answering.briefs import Briefing
    from rag.page.machine import Look
    from rag.page.screen import Screen
    from rag.page.telling import Telling
    from rag.retrieval.index import Index
    from rag.retrieval.memory import MemoryIndex


@dataclass(frozen=True, slots=True)
class Upload:
    document: Document
    chunk_count: int
    url: str  # where the browser finds the file

    @property
    def file_id(self) -> str:
        """The last part of the address."""
        return PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn as it is shown: what was asked, and the one answer that stands under it."""

    question: str
    text: str  # of the answer, or of as much of it as came
    screen: Screen
    mode: Mode = "auto"
    answer: Answer | None = None  # None: it was stopped, or broke off
    draft: Answer | None = None  # the small model's, that a larger one's stands in place of
    places: Mapping[Tier, Place] = field(default_factory=dict)  # where each tier's model runs
    has_larger: bool = False  # is there a larger model to ask?


@dataclass
class Chat:
    """``index`` is replaced, never changed: a question in flight keeps its view."""

    words: Wording
    index: MemoryIndex | None = None  # None: nothing was dropped yet
    uploads: dict[str, Upload] = field(default_factory=dict)  # by document id, as they arrived
    dropped: set[str] = field(default_factory=set)  # ids, also of what the library has already
    turns: dict[str, Asked] = field(default_factory=dict)  # as they are shown, by id, in order
    beside: dict[str, Asked] = field(default_factory=dict)  # compared; no part of the history
    briefings: dict[str, Briefing] = field(default_factory=dict)  # by the message that asked
    writing: Telling | None = None  # the turn under way
    is_occupied: bool = False  # with a comparison or a briefing
    allowed: dict[str, bool] = field(
        default_factory=dict
    )  # by address elsewhere: may it be sent to?
    is_asking: bool = False  # a person, who has to answer before the turn goes on
    pace: Pace = field(default_factory=Pace)
    looks: dict[Tier, Look] = field(default_factory=dict)  # the latest at each running model

    @property
    def is_busy(self) -> bool:
        return self.is_occupied or self.writing is not None

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """While it is at work at something that is no turn of its history."""
        self.is_occupied = True
        try:
            yield
        finally:
            self.is_occupied = False

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked something, the time is theirs."""
        self.is_asking = True
        try:
            yield
        finally:
            self.is_asking = False

    def add(self, document: Document, chunks: Sequence[Chunk], url: str) -> bool:
        """Take a document in; False if the same bytes are already here."""
        from rag.retrieval.memory import MemoryIndex  # noqa: PLC0415

        if document.id in self.uploads:
            return False
        self.uploads[document.id] = Upload(document, len(chunks), url)
        self.index = (self.index or MemoryIndex()).with_chunks(chunks)
        return True

    def forget(self, document_id: str) -> Upload | None:
        """Drop a document and everything derived from it; what it was, None if it is not here."""
        self.dropped.discard(document_id)
        upload = self.uploads.pop(document_id, None)
        if upload and self.index:
            self.index = self.index.without(document_id)
        return upload

    def searched(self, library: Index, documents: Collection[str]) -> Index:
        """The library and this chat's own documents as one; of them only ``documents``, if any."""
        from rag.retrieval.index import Scoped  # noqa: PLC0415
        from rag.retrieval.joint import JointIndex  # noqa: PLC0415

        both = library if self.index is None else JointIndex((library, self.index))
        return Scoped(both, frozenset(documents)) if documents else both

    def rewind(self, turn_id: str) -> dict[str, Asked]:
        """Forget a turn that is asked anew, and all that came after it; what they were, by id."""
        ids = list(self.turns)
        later = ids[ids.index(turn_id) :] if turn_id in ids else []
        for one in [one for one in self.beside if one.partition(" ")[0] in later]:
            del self.beside[one]
        return {one: self.turns.pop(one) for one in later}

    def history(self, before: str = "") -> tuple[Message, ...]:
        """Questions and the answers that are shown; those before the turn of that id, if given.

        A turn without a final answer is left out: what is shown of it may be a rejected draft.
        """
        earlier = takewhile(lambda turn: turn[0] != before, self.turns.items())
        return tuple(
            message
            for _, asked in earlier
            if asked.answer
            for message in (Message("user", asked.question), Message("assistant", asked.text))
        )
