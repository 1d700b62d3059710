"""The clock of the machine is set while a turn goes on: durations do not know it."""

from __future__ import annotations

import ast
import itertools
import time
from pathlib import Path

import pytest

from rag.measuring.clock import Clock

ROOT = Path(__file__).parents[2]
# Where the time of day is meant: when something was added, asked or made.
DATED = {
    *("measuring/ledger.py", "documents/library.py", "commands/ledger.py", "commands/tco.py"),
    *("page/leftovers.py",),
}
_CREATED = {"api", "webgpu", "people", "models"}  # `created`, in seconds since 1970


def test_no_duration_is_taken_from_the_time_of_day_when_it_is_measured() -> None:
    for path in sorted((ROOT / "rag").rglob("*.py")):
        name = path.relative_to(ROOT / "rag").as_posix()
        if name in DATED or name.partition("/")[0] in _CREATED:
            continue
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
        assert "time.time" not in called, name


def test_a_lap_is_never_negative_when_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jumps = itertools.cycle([1e9, -1e9, 0.0])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    clock = Clock()
    clock.lap("retrieve")
    clock.lap("generate")
    latency = clock.latency()
    assert all(0 <= (ms or 0) < 60_000 for ms in (latency.retrieve_ms, latency.total_ms))
