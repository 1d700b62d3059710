"""Shares a model's context window out: its size and the question in, room for each part out."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_WINDOW_TOKENS = 4_096  # of a server that does not say; most have more
_MARGIN = 0.1  # for tokenizers that need more than we count (docs/decisions/0051-token-budget.md)
_REPLY_SHARE = 0.5  # of the window, at most
_HISTORY_SHARE = 0.2
_HISTORY_TOKENS = 400  # every token is read again when the passages change


@dataclass(frozen=True, slots=True)
class Room:
    """Tokens of a prompt's parts; together with the question's they stay inside the window."""

    reply_tokens: int
    history_tokens: int
    passage_tokens: int  # 0 when the question leaves nothing


def share(
    window_tokens: int | None, question_tokens: int, max_tokens: int, context_tokens: int | None
) -> Room:
    """``question_tokens`` is the prompt without passages and history; ``context_tokens`` the most
    that passages may take, None for what there is.

    >>> share(1000, 100, 512, None)
    Room(reply_tokens=450, history_tokens=180, passage_tokens=170)
    """
    usable = int((window_tokens or UNKNOWN_WINDOW_TOKENS) * (1 - _MARGIN))
    reply_tokens = min(max_tokens, int(usable * _REPLY_SHARE))
    history_tokens = min(_HISTORY_TOKENS, int(usable * _HISTORY_SHARE))
    left = max(0, usable - reply_tokens - history_tokens - question_tokens)
    return Room(
        reply_tokens, history_tokens, left if context_tokens is None else min(left, context_tokens)
    )
