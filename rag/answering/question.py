"""What a turn is about, once search is over: all that its models start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rag.answering import conversation
from rag.answering.evidence import Found
from rag.language import detect
from rag.retrieval.explaining import weighed
from rag.retrieval.index import Index, Statistics
from rag.types import Chunk, Hit, Message, Query


@dataclass(frozen=True, slots=True)
class Asked:
    earlier: Sequence[Message]  # the turns that the question leans on
    language: str  # ISO 639-1; "" when not detected
    found: Found

    @classmethod
    def unsearched(cls, question: str, history: Sequence[Message]) -> Self:
        earlier = conversation.earlier(question, history)
        return cls(earlier, "", Found(question, Query(question), (), Statistics(0, 0, {})))

    def searched(self, index: Index, hits: int) -> Asked:
        """Blocks, so call it in a thread; telling the language loads a model the first time."""
        question = self.question
        whole = conversation.whole(question, self.earlier)
        query = conversation.query(question, self.earlier)
        openings = index.openings(hits) if self._wants_overview() else ()
        best = tuple(_as_hits(openings) or index.search(query, hits))
        statistics = index.statistics(query)
        found = Found(
            whole,
            query,
            best,
            statistics,
            is_overview=bool(openings),
            weighing=None if openings else weighed(query, index.languages, statistics),
        )
        return Asked(self.earlier, detect(question) or detect(whole), found)

    def _wants_overview(self) -> bool:
        """After other turns "what is it about?" is about what they were about."""
        is_new = not self.earlier or conversation.names_documents(self.question)
        return is_new and conversation.asks_for_overview(self.question)

    @property
    def question(self) -> str:
        """With those it leans on, once it has been searched."""
        return self.found.question


def _as_hits(chunks: Sequence[Chunk]) -> list[Hit]:
    return [Hit(chunk, 0.0, rank, ()) for rank, chunk in enumerate(chunks, 1)]
