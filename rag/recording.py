"""What is kept of each turn that ends, whatever front end it came from: figures, spans, a row.

A turn's end in; counters, log, collector and ledger out. It decides nothing about turns.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rag import logs
from rag.measuring import ledger
from rag.measuring.counters import Counters
from rag.types import Answer, Failed, Mode

if TYPE_CHECKING:
    from rag.measuring.spans import Spans


class Records:
    """``ledger_path`` None: there is no ledger; ``otlp_endpoint`` "": no collector."""

    def __init__(self, ledger_path: Path | None, otlp_endpoint: str) -> None:
        self.counters = Counters()
        self._ledger_path = ledger_path
        self._spans = _spans(otlp_endpoint)

    async def ended(self, end: Answer | Failed, mode: Mode, owner: str, chat: str) -> None:
        """Never raises: a broken ledger is logged."""
        self.counters.ended(end, mode)
        logs.turn_ended(end, mode)
        if self._spans:
            self._spans.ended(end, mode)
        if self._ledger_path:
            await asyncio.to_thread(ledger.record, self._ledger_path, end, mode, owner, chat)

    async def kept(self, trace_id: str) -> None:
        """A person took the local answer back after the larger model had answered."""
        if self._ledger_path:
            await asyncio.to_thread(ledger.record_kept, self._ledger_path, trace_id)

    def close(self) -> None:
        """Send what is left. Blocks for two seconds at most."""
        if self._spans:
            self._spans.close()


def _spans(endpoint: str) -> Spans | None:
    if not endpoint:
        return None
    from rag.measuring.spans import Spans  # noqa: PLC0415 (a third of a second)

    return Spans(endpoint)
