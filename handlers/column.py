"""A reply that stands next to another, on one question."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import TYPE_CHECKING

import chainlit as cl

from handlers.reply import Reply
from rag.page.wording import Wording

if TYPE_CHECKING:
    from rag.page.screen import Props


class Column(Reply):
    """No steps above it, and what went wrong stands in it.

    ``head``: properties of ``public/elements/Side.jsx``.
    """

    def __init__(self, head: Props, words: Wording) -> None:
        super().__init__()
        self.head = cl.CustomElement(name="Side", props=dict(head))
        self.words, self.is_over = words, False

    async def begin(self) -> None:
        await self.message.send()
        await self.head.send(for_id=self.message.id)
        if waits := self.head.props["waits"]:
            told = {"text": waits, "can_keep": False}
            await self.working({"question": "", "line": None, "escalation": told, "labels": {}})

    async def search(self, title: str, note: str, props: Props) -> None:
        """Found already, above the first answer."""

    async def think(self, title: str, text: str, *, is_over: bool) -> None:
        """The line says that it thinks."""

    async def stream(self, text: str) -> None:
        await self._strip()
        await super().stream(text)

    async def finish(self, text: str, metadata: Props, card: Props | None = None) -> None:
        self.is_over = True
        opened = card and {**card, "is_open": True, "cost": card["cost"] or self.words("free")}
        await super().finish(text, metadata, opened)

    async def withdraw(self) -> None:
        await self._strip()  # what goes wrong is said here, and by ``stop``

    async def tell(self, sentence: str) -> None:
        broken_off = f"{self.message.content}\n\n" if self.message.content else ""
        await self.finish(f"{broken_off}{sentence}", {"ended": "failed"})

    async def stop(self) -> None:
        """Say so, unless it is at its end."""
        if not self.is_over:
            await self.finish(f"*{self.words('stopped')}*", {})
