"""What a turn needs of whatever shows it: one search, one answer, and drafts folded away above it.

Texts are Markdown, titles plain; properties are those of the elements in ``public/elements``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Props = Mapping[str, Any]


class Screen(Protocol):
    async def search(self, title: str, note: str, props: Props) -> None:
        """What was searched for and found; a second call replaces the first."""
        ...

    async def stream(self, text: str) -> None:
        """The answer so far, as a whole."""
        ...

    async def fold(self, title: str, text: str) -> None:
        """What stood as the answer becomes a folded step; an empty answer begins below it."""
        ...

    async def unfold(self) -> None:
        """Take the last folded step away, because its text is the answer after all."""
        ...

    async def think(self, title: str, text: str, *, is_over: bool) -> None:
        """A model's reasoning so far, as a whole, folded above the answer that follows."""
        ...

    async def working(self, props: Props | None) -> None:
        """Say, where the answer will be, what goes on; None: nothing any more."""
        ...

    async def withdraw(self) -> None:
        """Take away what was said where the answer would have been: there is none."""
        ...

    async def finish(self, text: str, metadata: Props, card: Props | None = None) -> None:
        """The whole answer, with its card if it has one."""
        ...

    async def tell(self, sentence: str) -> None:
        """An error."""
        ...

    async def clear(self) -> None:
        """Take away what was folded and found: the question is asked anew."""
        ...
