"""Where sentences are: text in, offsets out. Knows nothing of what they say.

Rules for Latin scripts and full-width stops; a text without either is one sentence a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLOCK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•·|#>]|\d{1,3}[.)][ \t]|```))")
# A stop with what closes the sentence (quotes, citations), then space and what may open another.
_STOP = re.compile(
    r"(?:[.!?…]++[\"'”’»)\]]*(?:[ \t]*\[[\d,; ]+\])*+(?=\s+[\"'“‘„«(\[*_¿¡]*[^\W_a-z])|[。！？]+)"
)
_ABBREVIATED = re.compile(
    r"(?:\b[^\W\d_]|\b(?:e\.g|i\.e|a\.k\.a|mr|mrs|ms|dr|prof|st|jr|sr|vs|inc|ltd|corp|approx"
    r"|str|dl|dna|ing|cca))\.$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\b(?:no|nr|fig|vol|pp|art|alin|lit|ch|sec)\.\s+\d", re.IGNORECASE)


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, in order, without surrounding space; none for blank text.

    >>> text = "Dr. Pop left in 1977. Why? [1] Nobody knows."
    >>> [text[start:end] for start, end in spans(text)]
    ['Dr. Pop left in 1977.', 'Why? [1]', 'Nobody knows.']
    """
    start = 0
    for end in [*_ends(text), len(text)]:
        sentence = text[start:end]
        if sentence.strip():
            yield start + len(sentence) - len(sentence.lstrip()), start + len(sentence.rstrip())
        start = end


def _ends(text: str) -> list[int]:
    stops = [
        found.end()
        for found in _STOP.finditer(text)
        if not _ABBREVIATED.search(text, max(0, found.start() - 12), found.start() + 1)
        and not _NUMBERED.search(text, max(0, found.start() - 4), found.end() + 3)
    ]
    return sorted({*stops, *(found.start() for found in _BLOCK.finditer(text))})
