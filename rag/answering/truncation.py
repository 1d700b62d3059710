"""What was lost on the way to a model or back, told by figures and words alone: a prompt or a reply
with the server's counts in, whether it was cut out.

Servers cut in silence: Ollama reads as much of a prompt as its context holds and answers 200, and
some end a reply at a default length and call that ``stop``. Each model counts in its own tokens, so
a figure proves a cut only where no tokenizer could need so few, or where it is one that cutting
leaves behind (docs/decisions/0096-cut-prompts.md). Knows nothing of servers and settings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering.budget import UNKNOWN_WINDOW_TOKENS
from rag.tokens import count_tokens
from rag.types import Message

# --- prompts -----------------------------------------------------------------------------

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces, as is what follows
_SOUTH_EAST = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_SIGN = r"!-/:-@\[-`{-~"  # of ASCII, neither letter nor digit
# What every tokenizer splits a text into before it looks for tokens: words with the sign before
# them, numbers, signs in a row. Marks and letters outside of ASCII count as letters.
_PIECES = re.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<south_east>[{_SOUTH_EAST}]+)|\d+"
    rf"|[{_SIGN}]?[^\s\d{_SIGN}{_CJK}{_SOUTH_EAST}\x00-\x1f]+(?:'[A-Za-z]+)?|[{_SIGN}]+"
)
_LETTERS = {"cjk": 3, "south_east": 6}  # in a token, at most, over a whole text
_PRUDENT = 0.95  # some tokenizer may join what all of those measured split
_LAST_LATIN, _MOSTLY = "\u024f", 0.9
_LEAST_LATIN = 0.65  # of our count; the least measured was 0.71
_LEAST_WINDOW = 256  # tokens; no server runs with less
_SIZES = frozenset(2**power for power in range(9, 21))  # of usual contexts, and half of them
_LEAST_FULL = 2_048
_LEFT_OF_HALF = range(1, 5)  # tokens that Ollama keeps beside the second half of its context
_DENSE = 0.6  # our count, where a model's tokenizer needs many more
_WELL_ABOVE = 1.25
_SMALLER = 0.75  # of a window that was thought to be large enough


@dataclass(frozen=True, slots=True)
class CutPrompt:
    read_tokens: int  # as the server says
    sent_tokens: int  # by our count
    window_tokens: int  # what the server's context seems to be


def least_tokens(text: str) -> int:
    """So many any tokenizer in use needs for ``text``: one a word, number or run of signs.

    >>> least_tokens("The pump's oil, 3.5 litres")
    8
    """
    return sum(
        -(-len(piece[0]) // _LETTERS[piece.lastgroup]) if piece.lastgroup else 1
        for piece in _PIECES.finditer(text)
    )


def cut_prompt(
    prompt: Sequence[Message],
    read_tokens: int | None,
    window_tokens: int | None,
    reply_tokens: int | None = None,
) -> CutPrompt | None:
    """None when nothing shows that the server cut the prompt, or it does not count.

    ``window_tokens`` is the context that the prompt was made for, None when it was not known;
    ``reply_tokens`` are the server's, too.
    """
    if read_tokens is None:
        return None
    text = "\n".join(message.content for message in prompt)
    sent_tokens = count_tokens(text)
    is_full = _is_full(window_tokens, read_tokens, reply_tokens or 0)
    is_odd = is_full or _is_left_by_cutting(read_tokens, sent_tokens)
    if not (is_odd or _is_too_few(read_tokens, sent_tokens, text)):
        return None
    if not _is_believable(read_tokens, prompt):
        return None
    assumed = window_tokens or UNKNOWN_WINDOW_TOKENS
    seems = assumed if is_full else _window(prompt, read_tokens, sent_tokens)
    return CutPrompt(
        read_tokens, sent_tokens, seems if seems < assumed else int(assumed * _SMALLER)
    )


def _is_full(window_tokens: int | None, read_tokens: int, reply_tokens: int) -> bool:
    """Whether the prompt fills its context, or the reply did not fit beside it: then Ollama
    forgets half of the prompt while it writes."""
    # To read more than the whole shows only that the context was thought too small.
    if window_tokens is None or read_tokens > window_tokens + 1:
        return False
    return read_tokens >= window_tokens or read_tokens + reply_tokens > window_tokens


def _is_too_few(read_tokens: int, sent_tokens: int, text: str) -> bool:
    """Whether no tokenizer could need so few."""
    if read_tokens >= sent_tokens:
        return False  # told at once: our own tokenizer is one of them
    return read_tokens < max(_PRUDENT * least_tokens(text), _least_latin(text, sent_tokens))


def _is_believable(read_tokens: int, prompt: Sequence[Message]) -> bool:
    """A server that leaves out what it has in its cache tells less than any cut leaves."""
    return read_tokens >= max(1, min(_LEAST_WINDOW, least_tokens(prompt[-1].content)))


def _least_latin(text: str, sent_tokens: int) -> float:
    """For other scripts our count says too little: ours may be three times a model's."""
    latin = sum(letter <= _LAST_LATIN for letter in text)
    return sent_tokens * _LEAST_LATIN if latin >= _MOSTLY * len(text) else 0


def _is_left_by_cutting(read_tokens: int, sent_tokens: int) -> bool:
    """Whether a usual context is full to the token, or half of one is."""
    if read_tokens in _SIZES and read_tokens >= _LEAST_FULL:
        return sent_tokens > _DENSE * read_tokens
    return _half(read_tokens) is not None and sent_tokens > _WELL_ABOVE * read_tokens


def _half(read_tokens: int) -> int | None:
    return next((left for kept in _LEFT_OF_HALF if (left := read_tokens - kept) in _SIZES), None)


def _window(prompt: Sequence[Message], read_tokens: int, sent_tokens: int) -> int:
    if half := _half(read_tokens):
        return 2 * half
    has_turns = sum(message.role == "user" for message in prompt) > 1
    if has_turns and read_tokens not in _SIZES:
        # Whole messages were left out, so what was read says little of what there is room for.
        return max(read_tokens, max((size for size in _SIZES if size < sent_tokens), default=0))
    return read_tokens


# --- replies -----------------------------------------------------------------------------

_DEFAULTS = (128, 256, 512, 1024, 2048, 4096)  # tokens, where servers end a reply unasked
_NEARLY = 0.03  # how far our count may be from a limit, where the server does not count
_CLOSING = re.compile(r"(?:\s|[*_~`\"'”’»)\]}）」』】]|\[\d+(?:,\s*\d+)*\])+\Z")
_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "۔", "|")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)


def is_at_limit(counted_tokens: int | None, estimated_tokens: int, limit_tokens: int) -> bool:
    """Whether a reply is as long as the limit that was sent, or a usual default below it.

    ``counted_tokens`` is the server's count of the reply, its thinking included, or None;
    ``estimated_tokens`` is ours.
    """
    limits = (limit_tokens, *(default for default in _DEFAULTS if default < limit_tokens))
    if counted_tokens is None:
        return any(abs(estimated_tokens - limit) <= _NEARLY * limit for limit in limits)
    return counted_tokens > limit_tokens or any(
        abs(counted_tokens - limit) <= 1 for limit in limits
    )


def is_finished(text: str) -> bool:
    """Whether ``text`` ends like one: with a sentence, a row of a table, closed code or brackets.

    >>> is_finished("It is blue [1]."), is_finished("It is blue by")
    (True, False)
    """
    if len(_FENCE.findall(text)) % 2:
        return False
    text = text.rstrip()
    return not text or text.endswith(_ENDS) or _CLOSING.search(text) is not None
