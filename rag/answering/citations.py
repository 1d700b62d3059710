"""Ties an answer to its passages: a text and a context in, a cited text and exact quotes out.

Small models seldom cite, and sometimes cite what does not exist. Marks ``[n]`` of the model are
checked and kept where they can be; a sentence that a passage backs but that cites nothing gets that
passage's mark. Support is lexical (grounding.py). Knows nothing of models and pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from rag.answering import sentences
from rag.answering.grounding import Claim
from rag.answering.refusals import is_refusal
from rag.answering.safety import inert, outside_blocks, outside_code
from rag.retrieval.analysis import chunk_terms, terms
from rag.types import Chunk, Citation, Context

SUPPORT = 0.6  # share of a sentence's content words that a passage must hold to back it
_PART = 0.3  # of a sentence that cites several passages, what each of them must hold
_PAIR_COST = 2  # words that a second sentence must add to be quoted with the first

# [1], [1, 2], [^1], [Passage 1], 【1†source】; not [0], which is no passage but perhaps an index.
_MARK = re.compile(
    r"[ \t]*[\[【](?:passages?\s*)?\^?(?!0)(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)(?:†[^】\n]*)?[\]】]",
    re.I,
)
_CLOSING = re.compile(r"[\s.!?…。|]*\Z")

Span = tuple[int, int]  # start and end


@dataclass(frozen=True, slots=True)
class Cited:
    text: str  # whose only marks are [n], each of a passage of the context
    citations: tuple[Citation, ...]  # in order of appearance; several may share a number
    backed: tuple[bool, ...] = ()  # by sentence, code and headings apart: does a passage back it?
    warnings: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()  # those sentences of ``text`` that no passage backs


def resolve(
    text: str, context: Context, question: str = "", passages: Sequence[Passage] | None = None
) -> Cited:
    """Check and complete the citations of a model's ``text``; its links and images become text.

    A citation whose sentence its passage does not back is kept with ``supported=False``, unless
    another passage backs it: then that one is cited. ``question`` decides between passages, and
    between sentences to quote, that back an answer equally well. Code is left alone. ``passages``
    are those of ``prepared``, if there was time for it.
    """
    resolver = _Resolver(prepared(context, question) if passages is None else passages)
    cited = outside_blocks(inert(text), resolver.cited)
    citations = tuple(dict.fromkeys(resolver.citations))
    backed, unsupported = tuple(resolver.backed), tuple(resolver.unsupported)
    return Cited(cited, citations, backed, resolver.warnings(), unsupported)


def prepared(context: Context, question: str) -> Sequence[Passage]:
    """What can be worked out before there is a text."""
    return [Passage(hit.chunk, question) for hit in context.hits]


def without_marks(text: str) -> str:
    """``text`` without citations, as it is put into a later prompt, where numbers have moved on."""
    return outside_code(text, lambda part: _MARK.sub("", part))


class Passage:
    """A chunk with its terms, and with those of its sentences once one of them is to be quoted."""

    def __init__(self, chunk: Chunk, question: str) -> None:
        self.chunk = chunk
        self.language = chunk.language
        self.terms = frozenset(chunk_terms(chunk))  # of title, section and text
        self.asked = Claim.of(question, chunk.language)

    def backs(self, claim: Claim) -> bool:
        return claim.share_in(self.terms) >= SUPPORT and claim.numbers_in(self.terms)

    def share(self, claim: Claim) -> tuple[float, float]:
        """Of the claim's words, then of the question's."""
        return claim.share_in(self.terms), self.asked.share_in(self.terms)

    def quote(self, claim: Claim) -> Span:
        """Where in the chunk's text the one or two sentences are that say most of the claim."""
        return max(self._quotable, key=lambda quotable: self._said(claim, quotable))[0]

    @cached_property
    def sentences(self) -> list[tuple[Span, frozenset[str]]]:
        """Where they are, and their terms."""
        text = self.chunk.text
        spans = list(sentences.spans(text)) or [(0, len(text))]
        return [(span, frozenset(terms(text[slice(*span)], self.language))) for span in spans]

    @cached_property
    def _quotable(self) -> list[tuple[Span, frozenset[str], int]]:
        """Sentences, then pairs of neighbours: where, their terms, and what a pair costs."""
        single = [(span, words, 0) for span, words in self.sentences]
        pairs = [
            ((first[0], second[1]), words | more, _PAIR_COST)
            for (first, words, _), (second, more, _) in pairwise(single)
        ]
        return single + pairs

    def _said(self, claim: Claim, quotable: tuple[Span, frozenset[str], int]) -> tuple[int, int]:
        _, words, cost = quotable
        return claim.count_in(words) - cost, self.asked.count_in(words)


class _Resolver:
    """Goes through a text once, and remembers what it cited and what it had to remove."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.citations: list[Citation] = []
        self.backed: list[bool] = []
        self.unsupported: list[str] = []
        self._passages = dict(enumerate(passages, 1))
        self._unknown: set[int] = set()

    def warnings(self) -> tuple[str, ...]:
        if not self._unknown:
            return ()
        numbers = ", ".join(f"[{number}]" for number in sorted(self._unknown))
        return (f"The model cited {numbers}, which it was not given; this was removed.",)

    def cited(self, text: str) -> str:
        parts, end = [], 0
        for start, stop in sentences.spans(text):
            parts += [text[end:start], self._sentence(text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]])

    def _sentence(self, sentence: str) -> str:
        marked: set[int] = set()

        def strip(mark: re.Match[str]) -> str:
            marked.update(_numbers(mark))
            return ""

        bare = outside_code(sentence, lambda part: _MARK.sub(strip, part))
        claims = _Claims(bare)
        self._unknown |= marked - self._passages.keys()
        known = sorted(marked & self._passages.keys())
        backed = {number: self._backs(number, known, claims) for number in known}
        claims_nothing = bare.startswith("#") or is_refusal(bare)
        best = None if claims_nothing or any(backed.values()) else self._best(claims)
        if not claims_nothing:
            self.backed.append(best is not None or any(backed.values()))
        if best is not None:
            self._cite(best, claims, supported=True)
            return _CLOSING.sub(lambda closing: f" [{best}]{closing[0]}", bare, count=1)
        for number in known:
            self._cite(number, claims, supported=backed[number])
        text = outside_code(sentence, lambda part: _MARK.sub(self._known_only, part)).lstrip()
        if not claims_nothing and not any(backed.values()):
            self.unsupported.append(text)
        return text

    def _backs(self, number: int, together: Sequence[int], claims: _Claims) -> bool:
        """Whether the passage backs the sentence, or its part of it where several are cited."""
        passage = self._passages[number]
        claim = claims[passage.language]
        if passage.backs(claim) or len(together) == 1:
            return passage.backs(claim)
        union = frozenset().union(*(self._passages[other].terms for other in together))
        whole = claim.share_in(union) >= SUPPORT and claim.numbers_in(union)
        return whole and claim.share_in(passage.terms) >= _PART

    def _best(self, claims: _Claims) -> int | None:
        shares = {
            number: passage.share(claims[passage.language])
            for number, passage in self._passages.items()
            if passage.backs(claims[passage.language])
        }
        return max(shares, key=lambda number: (shares[number], -number), default=None)

    def _cite(self, number: int, claims: _Claims, *, supported: bool) -> None:
        chunk = self._passages[number].chunk
        start, end = self._passages[number].quote(claims[chunk.language])
        self.citations.append(
            Citation(
                number=number,
                chunk_id=chunk.id,
                document=chunk.document_name,
                page=chunk.page,
                quote=chunk.text[start:end],
                start=chunk.start + start,
                end=chunk.start + end,
                supported=supported,
            )
        )

    def _known_only(self, mark: re.Match[str]) -> str:
        kept = "".join(f"[{n}]" for n in _numbers(mark) if n in self._passages)
        return f" {kept}" if kept else ""


class _Claims(dict[str, Claim]):
    """One sentence as a claim in each language, made when first asked for."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self._sentence = sentence

    def __missing__(self, language: str) -> Claim:
        return self.setdefault(language, Claim.of(self._sentence, language))


def _numbers(mark: re.Match[str]) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", mark[1])]
