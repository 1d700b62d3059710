"""What a judgement may look at: what search found, then a draft beside the passages it was read in.

Nothing here judges. What several signals need is worked out once, when it is first asked for;
``Reading`` needs no draft, so that it can be made while the model reads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from rag.answering.citations import Cited, Passage, prepared, without_marks
from rag.answering.grounding import Sources, content
from rag.retrieval.analysis import terms
from rag.retrieval.coverage import Held, Wanted, is_held, terms_of
from rag.retrieval.index import Statistics
from rag.retrieval.words import WORD, folded
from rag.types import Context, Delta, Form, Hit, Query, Reply, Weighing

_TOGETHER = 3


@dataclass(frozen=True)
class Found:
    """What search brought, before any model is asked. Hits: best first, more than one will read."""

    question: str  # with those it leans on
    query: Query
    hits: tuple[Hit, ...]
    statistics: Statistics  # of the query's terms
    is_overview: bool = False  # a question about the documents as a whole: the hits open them
    weighing: Weighing | None = None  # that the hits were scored by; None: they were not

    @cached_property
    def wanted(self) -> Wanted:
        languages = {hit.chunk.language for hit in self.hits}
        return Wanted.of(self.question, languages, self.statistics)

    @cached_property
    def best(self) -> Held:
        """The terms of the best passage."""
        return terms_of(self.hits[:1])

    @cached_property
    def together(self) -> Held:
        """Those of the best three; ten together hold nearly every question."""
        return terms_of(self.hits[:_TOGETHER])

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The question's words that none of the hits holds."""
        return self.wanted.missing(terms_of(self.hits))


@dataclass(frozen=True, slots=True)
class Place:
    """Two sentences of a passage, or its only one, with the terms they are found by."""

    here: Held  # terms of the sentences
    around: Held  # and of those before and after, title and section
    asked: float  # share of the question that stands here, by idf


@dataclass(frozen=True)
class Reading:
    """The passages a model reads, ready to be compared with what it writes.

    It can be made while the model reads: a judgement has little time.
    """

    found: Found
    context: Context

    @cached_property
    def sources(self) -> Sources:
        return Sources.of(hit.chunk for hit in self.context.hits)

    @cached_property
    def asked(self) -> Held:
        """The terms of the question, by the language of each passage."""
        return held_in(self.found.question, self.sources.terms)

    @cached_property
    def passages(self) -> Sequence[Passage]:
        """For the citations."""
        return prepared(self.context, self.found.question)

    @cached_property
    def scripts(self) -> frozenset[str]:
        """Of the question and the passages."""
        letters = {*self.found.question, *self.context.text}
        return frozenset(script(letter) for letter in letters if letter.isalpha())

    @cached_property
    def said(self) -> Sequence[str]:
        """The words of the passages in their order, folded."""
        return plain_words("\n".join(hit.chunk.text for hit in self.context.hits))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        wanted = self.found.wanted
        return tuple(place for one in self.passages for place in _places(one, wanted))

    @cached_property
    def likeliest(self) -> Place | None:
        """Where the passages hold most of the question."""
        return max(self.places, key=lambda place: place.asked, default=None)

    def prepare(self) -> None:
        """Work out all of the above."""
        _ = (
            self.asked,
            self.scripts,
            self.sources,
            self.said,
            self.likeliest,
            self.found.best,
            self.found.together,
        )


@dataclass(frozen=True)
class Draft:
    """All that a judgement needs to know of one model's go at a turn."""

    reading: Reading
    reply: Reply
    cited: Cited
    pieces: Sequence[Delta] = ()  # the reply as it came, with its logprobs
    language: str = ""  # the question's, ISO 639-1; "" when not detected
    form: Form = "answer"  # that was asked for
    is_cut: bool = False  # at a limit, whatever the server says of it

    @property
    def found(self) -> Found:
        return self.reading.found

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
        return held_in(self.text, self.reading.sources.terms)

    @cached_property
    def added(self) -> Sequence[str]:
        """Those words that the question does not hold: what the answer really says."""
        return [word for word in self.words if not is_held(word, self.reading.asked)]

    @cached_property
    def place(self) -> Place | None:
        """Where the passages say it: most of what the answer adds, then most of the question."""
        return max(self.reading.places, key=self._said, default=None)

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

    def _said(self, place: Place) -> float:
        return sum(is_held(word, place.here) for word in self.added) + place.asked


def held_in(text: str, languages: Collection[str]) -> Held:
    """The terms of ``text``, stemmed by the rules of each language."""
    return {language: frozenset(terms(text, language)) for language in languages}


def plain_words(text: str) -> Sequence[str]:
    return [folded(word.casefold()) for word in WORD.findall(text)]


def script(letter: str) -> str:
    """The first word of its name: LATIN, CYRILLIC, CJK …"""
    return "LATIN" if letter < "\u0250" else unicodedata.name(letter, "?").split()[0]


def _places(passage: Passage, wanted: Wanted) -> Iterator[Place]:
    said = [words for _, words in passage.sentences]
    title = passage.terms.difference(*said)
    for at in range(max(1, len(said) - 1)):
        here = frozenset().union(*said[at : at + 2])
        around = here.union(title, *said[max(0, at - 1) : at + 3])
        held = {passage.language: here}
        yield Place(held, {passage.language: around}, wanted.share(held))
