"""What the API needs of the program it is part of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rag.settings import Settings

if TYPE_CHECKING:
    from rag.workspace import Workspace


class Host(Protocol):
    settings: Settings

    async def workspace(self) -> Workspace:
        """Once it is open. Raises what opening it raised."""

    @property
    def opened(self) -> Workspace | None:
        """None while it is being opened. Raises what opening it raised."""
