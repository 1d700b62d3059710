"""Text made safe and clickable for the page's Markdown: text in, Markdown out.

The page's renderer takes ``:name`` for a directive and drops it, loads images, and knows no
citations; these functions know that of it, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rag.answering.safety import outside_code, seen

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:&])")
_DIRECTIVE = re.compile(r"(?<!\\):(?=[A-Za-z])")
_IMAGE = re.compile(r"(?<!\\)!(?=\[)")
_CLOSING = re.compile(r"[\s.!?…。|*_]*\Z")  # what ends a sentence, or a row of a table
_UNSUPPORTED = "\ue000"  # for private use; taken out of what a model wrote
_CITATION = re.compile(r"\[(\d{1,3})\](?!\()")


def plain(text: str) -> str:
    """``text`` shown as it is, whatever it holds: a file's name, an error.

    >>> plain("![x](http://a.b)")
    '\\\\!\\\\[x\\\\]\\\\(http\\\\://a\\\\.b\\\\)'
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(seen(text).split()))


def answer(text: str, numbers: Collection[int] = (), unsupported: Sequence[str] = ()) -> str:
    """A model's Markdown with its citations as links to ``#passage-NUMBER``.

    Only ``numbers`` become links: those of passages the model was given. A sentence of
    ``unsupported`` ends in a mark that links to ``#unsupported``. No image is left, for loading one
    would tell its server what was read here. Code is left alone.

    >>> answer("It is blue [1], as `llama3.2:3b` says [9].", {1})
    'It is blue [[1]](#passage-1), as `llama3.2:3b` says [9].'
    >>> answer("It is blue.", (), ["It is blue."])
    'It is blue [?](#unsupported).'
    """

    def linked(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"[[{number}]](#passage-{number})" if number in numbers else match[0]

    def prose(part: str) -> str:
        return _CITATION.sub(linked, _IMAGE.sub(r"\\!", _DIRECTIVE.sub(r"\\:", part)))

    shown = outside_code(_marked(text.replace(_UNSUPPORTED, ""), unsupported), prose)
    return shown.replace(_UNSUPPORTED, " [?](#unsupported)")


def _marked(text: str, unsupported: Sequence[str]) -> str:
    """``text`` with a sign before the stop of each of these sentences, which stand in order."""
    place = 0
    for sentence in unsupported:
        found = text.find(sentence, place)
        if found < 0 or not sentence.strip():
            continue
        place = found + len(_CLOSING.sub("", sentence))
        text = text[:place] + _UNSUPPORTED + text[place:]
    return text
