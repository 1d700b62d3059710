"""The logprobs of an answer. In go those of tokens and what became of the tokens' letters; out come
those of tokens that are of the answer as a whole.

It knows neither how a token is written nor how thinking is told from an answer (reasoning.py).
"""

from __future__ import annotations

from collections.abc import Sequence


class Figures:
    def __init__(self) -> None:
        self.told: list[float] = []
        self.are_real = False  # all zero is what servers send that do not compute them
        self._waiting: list[float] = []  # of tokens of which it is not known yet what they are
        self._letters = self._answer_letters = 0  # of those tokens, and how many were the answer's

    def see(self, logprobs: Sequence[float]) -> None:
        self.are_real = self.are_real or any(logprobs)

    def told_with(
        self, piece: str, logprobs: Sequence[float], answer: str, is_answering: bool | None
    ) -> tuple[float, ...]:
        """Those that are certain once ``piece`` was fed to Channels and it gave ``answer``."""
        self._waiting += logprobs
        self._letters += len(piece)
        self._answer_letters += len(answer)
        if is_answering is None:
            return ()
        is_whole = is_answering and self._answer_letters == self._letters
        certain = tuple(self._waiting) if is_whole else ()
        self._waiting, self._letters, self._answer_letters = [], 0, 0
        self.told += certain
        return certain
