"""What a judgement may look at: what search found, then a draft beside the passages it was read in.

Nothing here judges. What several signals need is worked out once, when it is first asked for;
``Reading`` needs no draft, so that it can be made while the model reads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from rag.answering import sentences
from rag.answering.citations import Cited, without_marks
from rag.answering.grounding import Sources, content
from rag.retrieval.analysis import chunk_terms, terms
from rag.retrieval.coverage import Held, Wanted, is_held, terms_of
from rag.retrieval.index import Statistics
from rag.retrieval.words import WORD
from rag.types import Chunk, Context, Delta, Hit, Query, Reply


@dataclass(frozen=True)
class Found:
    """What search brought, before any model is asked. Hits: best first, more than one will read."""

    question: str  # with those it leans on
    query: Query
    hits: tuple[Hit, ...]
    statistics: Statistics  # of the query's terms

    @cached_property
    def wanted(self) -> Wanted:
        languages = {hit.chunk.language for hit in self.hits}
        return Wanted.of(self.question, languages, self.statistics)

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The question's words that none of the hits holds."""
        return self.wanted.missing(terms_of(self.hits))


@dataclass(frozen=True, slots=True)
class Place:
    """A sentence of a passage, or two together, with the terms it is found by."""

    language: str
    here: frozenset[str]  # terms of the sentences
    around: frozenset[str]  # and of the sentence before and after, title and section

    @property
    def held(self) -> Held:
        return {self.language: self.here}

    @property
    def held_around(self) -> Held:
        return {self.language: self.around}


@dataclass(frozen=True)
class Reading:
    """The passages a model reads, ready to be compared with what it writes."""

    context: Context

    @cached_property
    def sources(self) -> Sources:
        return Sources.of(hit.chunk for hit in self.context.hits)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(place for hit in self.context.hits for place in _places(hit.chunk))


@dataclass(frozen=True)
class Draft:
    """All that a judgement needs to know of one model's go at a turn."""

    found: Found
    reading: Reading
    reply: Reply
    cited: Cited
    pieces: Sequence[Delta] = ()  # the reply as it came, with its logprobs
    language: str = ""  # the question's, ISO 639-1; "" when not detected

    @cached_property
    def text(self) -> str:
        return without_marks(self.cited.text).strip()

    @cached_property
    def words(self) -> Sequence[str]:
        """The content words of the text, distinct."""
        return content(self.text, self.reading.sources.terms.keys())

    @cached_property
    def held(self) -> Held:
        """The terms of the text, by the language of each passage."""
        return _terms(self.text, self.reading.sources.terms)

    @cached_property
    def added(self) -> Sequence[str]:
        """Those that the question does not hold: what the answer really says."""
        asked = _terms(self.found.question, self.reading.sources.terms)
        return [word for word in self.words if not is_held(word, asked)]

    @cached_property
    def logprobs(self) -> Sequence[float]:
        """One a token; none from a server that reports nothing or only zeros."""
        logprobs = self.reply.logprobs or ()
        return logprobs if any(logprobs) else ()

    @cached_property
    def answering_logprobs(self) -> Sequence[float]:
        """From the first added word on: what comes before only repeats the question."""
        added = set(self.added)
        words = (found for found in WORD.finditer(self.reply.text) if found[0] in added)
        first = next(words, None)
        if first is None or not self.logprobs:
            return ()
        ends = accumulate(len(piece.text) for piece in self.pieces)
        return [
            logprob
            for piece, end in zip(self.pieces, ends, strict=True)
            if end > first.start()
            for logprob in piece.logprobs
        ]

    @cached_property
    def place(self) -> Place | None:
        """Where the passages say it: most of what the answer adds, then most of the question."""
        return max(self.reading.places, key=self._said, default=None)

    @cached_property
    def likeliest(self) -> Place | None:
        """Where the passages hold most of the question."""
        return max(
            self.reading.places,
            key=lambda place: self.found.wanted.share(place.held),
            default=None,
        )

    def _said(self, place: Place) -> float:
        added = sum(is_held(word, place.held) for word in self.added)
        return added + self.found.wanted.share(place.held)


def _terms(text: str, languages: Collection[str]) -> Held:
    return {language: frozenset(terms(text, language)) for language in languages}


def _places(chunk: Chunk) -> Sequence[Place]:
    spans = list(sentences.spans(chunk.text)) or [(0, len(chunk.text))]
    said = [frozenset(terms(chunk.text[slice(*span)], chunk.language)) for span in spans]
    empty: frozenset[str] = frozenset()
    padded = [empty, *said, empty]
    title = frozenset(chunk_terms(chunk)) - frozenset(terms(chunk.text, chunk.language))
    single = [
        Place(chunk.language, here, padded[at] | here | padded[at + 2] | title)
        for at, here in enumerate(said)
    ]
    double = [
        Place(chunk.language, one.here | two.here, one.around | two.around)
        for one, two in pairwise(single)
    ]
    return single + double
