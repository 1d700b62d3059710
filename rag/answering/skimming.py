"""A document looked through without a model: its passages in; parts to ask about, key figures and
open points out.

Figures and open points are sentences of the document itself, so each is its own proof.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import sqrt

from rag.answering import sentences
from rag.answering.statements import Statement
from rag.retrieval.analysis import chunk_terms, terms
from rag.types import Chunk, Citation

PART_CHUNKS = 1  # passages that a model reads for one point: of two, a small one makes a mixture

_NUMBER = re.compile(
    r"(?<!figure )(?<!table )(?<!section )(?<!page )(?<!tabelul )(?<!pagina )"
    r"(?P<money>[$€£¥]\s?)?\b\d(?:[\d.,]*\d)?(?:st|nd|rd|th)?\b"
    r"(?P<share>\s?%|\s(?:per\s?cent|percent|la sut[aă]))?"
    r"(?P<scale>\s(?:thousand|million|billion|trillion|mii|mil\.|milion|milioane|miliarde?))?"
    r"(?P<unit>\s(?:USD|EUR|RON|lei|k?m²?|kg|tonnes?|hours?|ore|years?|ani|GB|MB|MW|kW|h|°C)\b)?"
    r"(?P<things>\s(?:[a-zăâîșț]{4,}|out of \d))?",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d\Z")
_OPEN = re.compile(
    r"\b(?:unclear|unknown|uncertain|unresolved|undecided|not (?:yet )?(?:known|clear|decided"
    r"|determined|settled|proven|understood)|yet to be|remains? to be|to be (?:decided|determined"
    r"|confirmed|agreed)|open (?:question|problem|issue)s?|pending|tbd|tbc|no consensus"
    r"|(?:hotly |still )?debated|controvers\w+|disputed|conjectur\w+|neclar\w*|necunoscut\w*"
    r"|nu (?:se știe|este clar|s-a decis)|rămâne de (?:văzut|stabilit)|de stabilit)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"[^\W_a-zăâîșț].*[.!?…。][\"'”’)\]]*\Z|[\"'“„(].*[.!?…。]\W*\Z", re.S)
_MAX_WORDS = 45  # of a sentence that is shown
_MIN_WORDS = 5
_MAX_NUMBERS = 4  # of a sentence; more are a list

Scored = tuple[float, Chunk, int, int]  # a sentence: how telling it is, and where


def parts(passages: Sequence[Chunk], count: int) -> list[Sequence[Chunk]]:
    """At most ``count`` runs of passages, spread over the document in its order.

    Of a long document each part is the run that holds most of what the whole speaks of.
    """
    if not passages or count < 1:
        return []
    count = min(count, -(-len(passages) // PART_CHUNKS))
    edges = [round(len(passages) * step / count) for step in range(count + 1)]
    frequencies = _frequencies(passages)

    def centrality(run: Sequence[Chunk]) -> float:
        held = {term for chunk in run for term in chunk_terms(chunk)}
        return sum(frequencies[term] for term in held) / sqrt(len(held) or 1)

    return [max(_runs(passages[start:end]), key=centrality) for start, end in pairwise(edges)]


def key_figures(passages: Sequence[Chunk], count: int) -> list[Statement]:
    """The sentences with the most telling numbers, in the order of the document."""
    return _best(passages, count, _figures)


def open_points(passages: Sequence[Chunk], count: int) -> list[Statement]:
    """Sentences that say that something is not known, settled or agreed."""
    return _best(passages, count, lambda text: float(len(_OPEN.findall(text))))


def central(part: Sequence[Chunk], passages: Sequence[Chunk]) -> Statement | None:
    """The sentence of ``part`` that holds most of what the whole document speaks of."""
    frequencies = _frequencies(passages)

    def score(text: str) -> float:
        held = set(terms(text, part[0].language))
        return sum(frequencies[term] for term in held) / sqrt(len(held) or 1)

    return next(iter(_best(part, 1, score)), None)


def _frequencies(passages: Sequence[Chunk]) -> Counter[str]:
    """Of each term: how many passages hold it."""
    return Counter(term for chunk in passages for term in set(chunk_terms(chunk)))


def _best(passages: Sequence[Chunk], count: int, score: Callable[[str], float]) -> list[Statement]:
    found = [each for each in _scored(passages, score) if each[0] > 0]
    best = sorted(found, key=lambda each: -each[0])
    chosen: dict[str, Scored] = {}  # neighbours may overlap
    for each in best:
        chosen.setdefault(_text(each), each)
    kept = set(list(chosen)[:count])
    in_order = [each for each in found if chosen.get(_text(each)) is each]
    return [_statement(each) for each in in_order if _text(each) in kept]


def _scored(passages: Sequence[Chunk], score: Callable[[str], float]) -> Iterator[Scored]:
    for chunk in passages:
        for start, end in sentences.spans(chunk.text):
            text = chunk.text[start:end]
            if _MIN_WORDS <= len(text.split()) <= _MAX_WORDS and _WHOLE.match(text):
                yield score(text), chunk, start, end


def _figures(text: str) -> float:
    """Shares and amounts tell most, years nothing; a list of numbers is not read."""
    told = sorted(map(_telling, _NUMBER.finditer(text)), reverse=True)
    return sum(told[:2]) if len(told) <= _MAX_NUMBERS else 0.0


def _telling(number: re.Match[str]) -> float:
    if number["share"] or number["money"] or number["scale"]:
        return 3.0
    if number["unit"]:
        return 2.0
    digits = number[0].split()[0].strip("stndrh.,")
    return 1.0 if number["things"] and not _YEAR.match(digits) else 0.0


def _text(scored: Scored) -> str:
    _, chunk, start, end = scored
    return " ".join(chunk.text[start:end].split())


def _statement(scored: Scored) -> Statement:
    _, chunk, start, end = scored
    quote = Citation(
        number=1,
        chunk_id=chunk.id,
        document=chunk.document_name,
        page=chunk.page,
        quote=chunk.text[start:end],
        start=chunk.start + start,
        end=chunk.start + end,
        supported=True,
    )
    return Statement(_text(scored), (quote,), "")


def _runs(passages: Sequence[Chunk]) -> list[Sequence[Chunk]]:
    last = max(1, len(passages) - PART_CHUNKS + 1)
    return [passages[start : start + PART_CHUNKS] for start in range(last)]
