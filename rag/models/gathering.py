"""A reply put together from what a server sends. In go decoded JSON chunks; out come deltas, and at
last a ``Reply``.

What a server leaves out is unknown, never wrong: nothing here fails on a missing or odd field. It
knows neither where chunks come from nor when, nor how thinking is marked (reasoning.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.models.figures import Figures
from rag.models.reasoning import Channels
from rag.types import Delta, Reply

Pieces = list[tuple[str, tuple[float, ...]]]  # of text, each with the figures of its tokens


class Gathered:
    def __init__(self, *, thinks_first: bool = False) -> None:
        self.finish_reason = ""
        self.letters = 0  # that the model was seen to write, be it only thinking
        self._channels = Channels(thinks_first=thinks_first)
        self._figures = Figures()
        self._usage: Any = None

    @property
    def thinks_first(self) -> bool:
        return self._channels.thinks_first

    def add(self, chunk: Any) -> Delta | None:
        """What is new in a chunk, or in a whole completion; None when it brought nothing."""
        self._usage = within(chunk, "usage") or self._usage
        choices = within(chunk, "choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        reason = within(choice, "finish_reason")
        self.finish_reason = reason if isinstance(reason, str) and reason else self.finish_reason
        written = within(choice, "delta") or within(choice, "message")
        thought = _text(written, "reasoning_content") or _text(written, "reasoning")
        text, tokens = _text(written, "content"), _tokens(choice)
        self.letters += len(text) + len(thought)
        self._figures.see([figure for _, figure in tokens])
        deltas = [self._thought(thought)] if thought else []
        deltas += (self._written(*piece) for piece in _pieces(text, tokens, bool(thought)))
        return _one(deltas)

    def end(self) -> Delta | None:
        """What was held back until the reply had ended."""
        text, reasoning = self._channels.end(self.finish_reason)
        figures = self._figures.told_with("", (), text, self._channels.is_answering)
        return _one([Delta(text, figures, reasoning)])

    def reply(self, model: str) -> Reply:
        figures = self._figures
        return Reply(
            text=self._channels.text,
            model=model,
            finish_reason=self.finish_reason,
            prompt_tokens=count(within(self._usage, "prompt_tokens")),
            completion_tokens=count(within(self._usage, "completion_tokens")),
            logprobs=tuple(figures.told) or None if figures.are_real else None,
            reasoning=self._channels.reasoning.strip(),
        )

    def _thought(self, piece: str) -> Delta:
        text, reasoning = self._channels.think(piece)
        return Delta(text, reasoning=reasoning)

    def _written(self, piece: str, logprobs: Sequence[float]) -> Delta:
        thought_first = self.thinks_first
        text, reasoning = self._channels.feed(piece)
        if self.thinks_first and not thought_first:  # what was told as the answer is none
            self._figures.told.clear()
        is_answering = self._channels.is_answering
        return Delta(text, self._figures.told_with(piece, logprobs, text, is_answering), reasoning)


def _text(written: Any, key: str) -> str:
    text = within(written, key)
    return text if isinstance(text, str) else ""


def _tokens(choice: Any) -> list[tuple[Any, float]]:
    """The tokens of a chunk, each with its figure."""
    listed = within(within(choice, "logprobs"), "content")
    tokens = listed if isinstance(listed, list) else []
    figures = [(within(token, "token"), within(token, "logprob")) for token in tokens]
    return [(token, float(figure)) for token, figure in figures if isinstance(figure, int | float)]


def _pieces(text: str, tokens: list[tuple[Any, float]], has_thought: bool) -> Pieces:
    """The text cut into its tokens, where theirs is known: some may prove to be thinking.

    A whole completion may list the tokens of the thinking before those of its text.
    """
    cut: Pieces = []
    rest = text
    for token, figure in reversed(tokens):
        if not (rest and isinstance(token, str) and token and rest.endswith(token)):
            break
        cut.append((token, (figure,)))
        rest = rest.removesuffix(token)
    if cut and not rest:
        return cut[::-1]
    figures = () if has_thought else tuple(figure for _, figure in tokens)
    return [(text, figures)] if text or figures else []


def _one(deltas: list[Delta]) -> Delta | None:
    if len(deltas) == 1:
        (delta,) = deltas
    else:
        delta = Delta(
            "".join(delta.text for delta in deltas),
            tuple(figure for delta in deltas for figure in delta.logprobs),
            "".join(delta.reasoning for delta in deltas),
        )
    return delta if delta.text or delta.logprobs or delta.reasoning else None


def within(page: Any, key: str) -> Any:
    """``page[key]`` of decoded JSON; None where there is no such thing."""
    return page.get(key) if isinstance(page, Mapping) else None


def count(figure: Any) -> int | None:
    """A number of tokens, or None for anything else."""
    return figure if type(figure) is int and figure >= 0 else None
