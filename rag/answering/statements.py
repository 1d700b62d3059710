"""An answer cut into statements: sentences in, each with the passages that back it, out.

A sentence that no passage backs is kept apart. What claims nothing is dropped: headings, "Here are
the main points:", refusals. Backed is lexical, as in citations.py, and stricter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answering import citations, sentences
from rag.answering.citations import Passage
from rag.answering.grounding import Claim
from rag.answering.refusals import is_refusal
from rag.retrieval.analysis import terms
from rag.types import Answer, Citation

BACKED = 0.75  # share of its words that a passage must hold: nobody checks what a briefing says
SAME = 0.8  # share of a statement's words that an earlier one holds: it says nothing new

# How a model begins when it is asked what something is about: no claim, and not in the passages.
_FRAME = re.compile(
    r"(?:the |a )?(?:(?:main|key|central) (?:point|idea|message)s? (?:of|in) (?:this|the)"
    r" (?:text|document|passage)s? (?:is|are)(?: that)?"
    r"|(?:key |main )?(?:facts|points) about [^.:]{1,80}? are(?: that)?:?"
    r"|(?:this|the) (?:text|document|passage)s? (?:is|are) (?:mainly )?about"
    r"|(?:this|the) (?:text|document|passage)s? (?:says?|states?|explains?) that"
    r"|(?:ideea|punctele) principal(?:ă|e) (?:ale )?(?:acestui text|textului)"
    r" (?:este|sunt)(?: că)?:?"
    r"|(?:în )?acest (?:document|text)(?:ul)?,? (?:este |e |se )?(?:vorb\w+ )?despre"
    r"|(?:este|e) vorba despre)\s+(?=\S)",
    re.IGNORECASE,
)
# What is said of the text, and not of what it is about.
_META = re.compile(
    r"\b(?:main point|(?:this|the) text|the passages?|answer to the question"
    r"|acest text|pasaj\w*)\b",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^\s*(?:[-*+•#>]+|\d{1,3}[.)])\s+")
_EMPHASIS = re.compile(r"\*\*|__|`")
_LEADS_IN = (":", "?")
_CLOSED = (".", "!", "…", "”", '"', ")", "。")
_MIN_WORDS = 4  # fewer say nothing out of their context
_MIN_LISTED_WORDS = 6  # of one without a stop: an entry of a list


@dataclass(frozen=True, slots=True)
class Statement:
    text: str  # one sentence without marks
    citations: tuple[Citation, ...]  # each backs it
    model: str  # that wrote it; "" for a sentence of the document itself
    is_refined: bool = False


@dataclass(frozen=True, slots=True)
class Statements:
    backed: tuple[Statement, ...]
    left_out: tuple[str, ...] = ()  # written, and backed by no passage


NOTHING = Statements(())


def of(answer: Answer) -> Statements:
    """None of a declined answer."""
    if answer.route == "declined":
        return NOTHING
    backed, left_out = [], []
    passages = citations.prepared(answer.context, answer.query.text)
    for sentence in _sentences(answer):
        cited = citations.resolve(sentence, answer.context, answer.query.text, passages)
        quoted = tuple(one for one in cited.citations if _backs(one, sentence, passages))
        if quoted:
            is_refined = answer.route in {"refined", "llm"}
            backed.append(Statement(sentence, quoted, answer.model, is_refined))
        else:
            left_out.append(sentence)
    return Statements(tuple(backed), tuple(left_out))


def new(found: Sequence[Statement], earlier: Sequence[Statement]) -> Iterator[Statement]:
    """Those that say something neither ``earlier`` ones nor one before them says."""
    said = [_words(statement.text) for statement in earlier]
    for statement in found:
        words = _words(statement.text)
        if not any(_repeats(words, other) for other in said):
            said.append(words)
            yield statement


def _sentences(answer: Answer) -> Iterator[str]:
    """Whole ones that claim something, without marks and Markdown."""
    text = citations.without_marks(answer.text)
    is_cut = answer.attempts[-1].finish_reason == "length" if answer.attempts else False
    spans = list(sentences.spans(text))
    for start, end in spans:
        listed = "\n".join(_LISTED.sub("", line) for line in text[start:end].splitlines())
        sentence = _framed(" ".join(_EMPHASIS.sub("", listed).split()))
        is_open = not sentence.endswith(_CLOSED)
        if is_open and is_cut and end == spans[-1][1]:
            continue
        enough = _MIN_LISTED_WORDS if is_open else _MIN_WORDS
        says_little = len(sentence.split()) < enough or sentence.endswith(_LEADS_IN)
        if not (says_little or is_refusal(sentence) or _META.search(sentence)):
            yield f"{sentence}." if is_open else sentence


def _backs(quote: Citation, sentence: str, passages: Sequence[Passage]) -> bool:
    passage = passages[quote.number - 1]
    claim = Claim.of(sentence, passage.language)
    return quote.supported and claim.share_in(passage.terms) >= BACKED


def _framed(sentence: str) -> str:
    """
    >>> _framed("The main point of this text is that the sky is blue.")
    'The sky is blue.'
    """
    bare = _FRAME.sub("", sentence, count=1) if _FRAME.match(sentence) else sentence
    return bare[:1].upper() + bare[1:]


def _words(text: str) -> frozenset[str]:
    return frozenset(terms(text, ""))


def _repeats(words: frozenset[str], other: frozenset[str]) -> bool:
    return len(words & other) >= SAME * len(words)
