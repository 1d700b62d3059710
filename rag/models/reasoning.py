"""A model's thinking told from its answer. In go pieces of what it writes, however a server cuts
them; out come pieces of the answer and of the thinking.

Two notations are known, and only where a reply begins with them, so that an answer may quote them:
``<think>…</think>`` (or thinking, reasoning), and the channels of gpt-oss, ``<|channel|>analysis
<|message|>…<|end|>``, which some servers pass on as they are. Nothing is lost but the marks, the
headers of channels and white space after either; how the text was cut makes no difference.
"""

from __future__ import annotations

import re
from typing import Literal

_NAMES = ("think", "thinking", "reasoning")
_TOKENS = ("start", "channel", "message", "end", "return", "call")  # of OpenAI's harmony format
_MARK = re.compile(
    rf"<(/?)({'|'.join(_NAMES)})>|<\|({'|'.join(_TOKENS)})\|>", re.IGNORECASE | re.ASCII
)
_MARKS = (
    *(f"<{slash}{name}>" for name in _NAMES for slash in ("", "/")),
    *(f"<|{token}|>" for token in _TOKENS),
)
_LONGEST_MARK = max(map(len, _MARKS))
_ASIDE = ("analysis", "commentary")  # channels that are not for the person who asked
_QUOTES = frozenset("`'\"‘“„«")

Pieces = tuple[str, str]  # of the answer, of the thinking
_Mode = Literal["start", "thinking", "answer", "header"]


class Channels:
    """One reply, taken apart as it comes.

    ``thinks_first``: the model begins in the middle of its thinking, because its prompt ends with
    the opening mark. Not knowing, one learns it from a closing mark that nothing opened: what was
    taken for the answer until then is thinking, and told once more as such.
    """

    def __init__(self, *, thinks_first: bool = False) -> None:
        self.thinks_first = thinks_first
        self._mode: _Mode = "thinking" if thinks_first else "start"
        self._is_harmony = False
        self._is_settled = False  # the thinking is over: marks are quotations from here on
        self._depth = int(thinks_first)  # marks that are open
        self._answer_at = 0 if thinks_first else None  # in ``reasoning``, if no mark closes it
        self._at_edge = True  # nothing but white space since the beginning or the last mark
        self._space = ""  # at the beginning, kept until it is known of what
        self._header = ""
        self._held = ""  # perhaps the beginning of a mark
        self._last = ""  # letter, to tell a quoted mark
        self._text: list[str] = []  # told
        self._reasoning: list[str] = []
        self._new_text: list[str] = []  # not told yet
        self._new_reasoning: list[str] = []
        self._reasoning_length = 0  # new included

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def is_answering(self) -> bool | None:
        """Whether what was written last is of the answer; None: that is not known yet."""
        return None if self._held or self._mode == "start" else self._mode == "answer"

    def feed(self, piece: str) -> Pieces:
        """What is certain by now."""
        buffer, place = self._held + piece, 0
        for mark in _MARK.finditer(buffer):
            self._put(buffer[place : mark.start()])
            if not self._obeyed(mark):
                self._put(mark[0])
            place = mark.end()
        end = _certain_until(buffer, place)
        self._put(buffer[place:end])
        self._held = buffer[end:]
        return self._new()

    def think(self, piece: str) -> Pieces:
        """Thinking that the server itself has told from the answer."""
        if self._mode == "start":
            self._enter("answer")
        self._add_reasoning(piece)
        return self._new()

    def end(self, finish_reason: str) -> Pieces:
        """What was held back, now that nothing follows.

        Thinking that no mark closes is no answer, unless the model has finished and was only
        believed to be thinking: because it usually begins so, or quoted a mark while it did.
        """
        self._put(self._held)
        self._held = ""
        if self._mode == "start":
            self._mode = "answer"
            self._new_text.append(self._space)
        elif self._mode == "header":
            self._new_text.append(self._header)
        elif self._mode == "thinking" and finish_reason == "stop" and self._answer_at is not None:
            thought = "".join([*self._reasoning, *self._new_reasoning])
            self._reasoning, self._new_reasoning = [thought[: self._answer_at]], []
            self._new_text.append(thought[self._answer_at :].lstrip())
        return self._new()

    # --- marks

    def _obeyed(self, mark: re.Match[str]) -> bool:
        """Whether it is a mark; otherwise it is text like any other."""
        closing, name, token = mark.groups()
        if self._is_harmony or (self._mode == "start" and token):
            return bool(token) and self._turned(token.lower())
        return bool(name) and (self._closed(mark) if closing else self._opened())

    def _opened(self) -> bool:
        is_first = self._at_edge and (self._mode != "thinking" or self._answer_at == 0)
        if is_first:
            self._enter("thinking")
            self._depth, self._answer_at = 1, None
        elif not self._is_settled:
            self._depth += 1
        return is_first

    def _closed(self, mark: re.Match[str]) -> bool:
        if self._is_settled:
            return False
        if self._mode != "thinking":
            return self._closed_unopened()
        self._depth -= 1
        if self._depth:
            self._answer_at = self._reasoning_length + len(mark[0])
            return False
        self._enter("answer")
        return True

    def _closed_unopened(self) -> bool:
        """A closing mark outside of thinking: quoted, or all before it was thinking."""
        if self._depth or self._last in _QUOTES:
            self._depth = max(0, self._depth - 1)
            return False
        thought = "".join([*self._text, *self._new_text])
        self.thinks_first = self.thinks_first or bool(thought)
        self._add_reasoning(thought)
        self._text.clear()
        self._new_text.clear()
        self._enter("answer")
        return True

    def _turned(self, to: str) -> bool:
        """Obey one of harmony's tokens; a reply can only begin with some of them."""
        if not self._is_harmony and to not in {"start", "channel"}:
            return False
        self._is_harmony = True
        if to in {"start", "channel"}:
            self._enter("header")
            self._header = ""
        else:
            is_aside = to == "message" and self._header.strip().lower().startswith(_ASIDE)
            self._enter("thinking" if is_aside else "answer")
        return True

    def _enter(self, mode: _Mode) -> None:
        self._mode, self._at_edge = mode, True
        self._is_settled = mode == "answer"

    # --- text

    def _put(self, piece: str) -> None:
        self._last = piece[-1:] or self._last
        if self._mode == "header":
            self._header += piece
            return
        written = piece.lstrip() if self._at_edge else piece
        if self._mode == "start":
            self._space += piece[: len(piece) - len(written)]
            if written:
                self._mode, written = "answer", self._space + written
        if written:
            self._at_edge = False
            if self._mode == "thinking":
                self._add_reasoning(written)
            else:
                self._new_text.append(written)

    def _add_reasoning(self, written: str) -> None:
        self._new_reasoning.append(written)
        self._reasoning_length += len(written)

    def _new(self) -> Pieces:
        text, reasoning = "".join(self._new_text), "".join(self._new_reasoning)
        self._text.append(text)
        self._reasoning.append(reasoning)
        self._new_text, self._new_reasoning = [], []
        return text, reasoning


def _certain_until(buffer: str, place: int) -> int:
    """Where what may be the beginning of a mark begins, at ``place`` or later; else the end."""
    start = buffer.rfind("<", max(place, len(buffer) - _LONGEST_MARK))
    tail = buffer[start:].lower()
    is_open = start >= 0 and any(mark.startswith(tail) for mark in _MARKS)
    return start if is_open else len(buffer)
