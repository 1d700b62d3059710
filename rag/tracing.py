"""Which turn the code is at work for: set where a turn begins, read by whatever logs.

Each task and thread that a turn starts takes it over. ``""`` outside of turns.
"""

from __future__ import annotations

from contextvars import ContextVar

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
