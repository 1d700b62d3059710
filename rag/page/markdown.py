"""Text made safe and clickable for the page's Markdown: text in, Markdown out.

The page's renderer takes ``:name`` for a directive and drops it, loads images, and knows no
citations; these functions know that of it, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rag.answering.safety import outside_code

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:&])")
_DIRECTIVE = re.compile(r"(?<!\\):(?=[A-Za-z])")
_IMAGE = re.compile(r"(?<!\\)!(?=\[)")
_CITATION = re.compile(r"\[(\d{1,3})\](?!\()")


def plain(text: str) -> str:
    """``text`` shown as it is, whatever it holds: a file's name, an error.

    >>> plain("![x](http://a.b)")
    '\\\\!\\\\[x\\\\]\\\\(http\\\\://a\\\\.b\\\\)'
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def answer(text: str, numbers: Collection[int] = ()) -> str:
    """A model's Markdown with its citations as links to ``#passage-NUMBER``.

    Only ``numbers`` become links: those of passages the model was given. No image is left, for
    loading one would tell its server what was read here. Code is left alone.

    >>> answer("It is blue [1], as `llama3.2:3b` says [9].", {1})
    'It is blue [[1]](#passage-1), as `llama3.2:3b` says [9].'
    """

    def linked(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"[[{number}]](#passage-{number})" if number in numbers else match[0]

    def prose(part: str) -> str:
        return _CITATION.sub(linked, _IMAGE.sub(r"\\!", _DIRECTIVE.sub(r"\\:", part)))

    return outside_code(text, prose)
