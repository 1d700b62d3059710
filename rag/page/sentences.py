"""Sentences of the rooms below, English wherever they arise, in the language of the page.

A text may hold several, one after the other. What is not in ``romanian_said.py`` stays English. It
knows nothing of what the sentences mean.
"""

from __future__ import annotations

import re
from functools import cache

from rag.page.romanian_said import SAID
from rag.page.wording import Wording

_END = re.compile(r"[.!?]\s+")
_VALUE = r"((?:(?![.!?]\s).)+?)"  # within one sentence


def said(text: str, words: Wording) -> str:
    """
    >>> said("phi wrote nothing. Wait.", Wording("ro"))
    'phi nu a scris nimic. Wait.'
    """
    if words.language != "ro":
        return text
    told, rest = [], text.strip()
    while rest:
        found, length = _first(rest)
        told.append(found)
        rest = rest[length:].lstrip()
    return " ".join(told)


def _first(text: str) -> tuple[str, int]:
    """What ``text`` begins with, in Romanian if it is known; and how long that is in English."""
    for pattern, romanian_ in _patterns():
        if match := pattern.match(text):
            return romanian_.format(*match.groups()), match.end()
    end = _END.search(text)
    length = end.end() if end else len(text)
    return text[:length].strip(), length


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(_VALUE.join(map(re.escape, english.split("{}"))) + r"(?=\s|\Z)"), romanian_)
        for english, romanian_ in SAID
    )
