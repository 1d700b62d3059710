from collections.abc import Callable, Iterable

import pytest

from rag.measuring.clock import Clock
from rag.types import Latency


def ticking(*milliseconds: float) -> Callable[[], int]:
    """A time source that shows these times, one a look."""
    times: Iterable[float] = iter(milliseconds)
    return lambda: round(next(times) * 1_000_000)


def test_parts_are_the_time_between_laps_when_stages_follow_each_other() -> None:
    clock = Clock(ticking(100, 103.5, 104, 304.25, 1000))
    clock.lap("retrieve")
    clock.lap("pack")
    clock.lap("first_token")
    clock.lap("generate")
    assert clock.latency() == Latency(
        retrieve_ms=3.5, pack_ms=0.5, first_token_ms=200.25, generate_ms=695.75, total_ms=900.0
    )


def test_laps_add_up_when_a_stage_comes_again() -> None:
    clock = Clock(ticking(0, 1, 3, 7))
    clock.lap("pack")
    clock.lap("queue")
    clock.lap("pack")
    assert clock.latency() == Latency(pack_ms=5.0, queue_ms=2.0, total_ms=7.0)


def test_nothing_is_known_when_no_lap_was_made() -> None:
    assert Clock(ticking(5)).latency() == Latency()


def test_a_stage_of_no_time_is_zero_when_it_took_place() -> None:
    clock = Clock(ticking(5, 5))
    clock.lap("check")
    assert clock.latency() == Latency(check_ms=0.0, total_ms=0.0)


def test_parts_still_add_up_when_the_times_are_awkward() -> None:
    clock = Clock(ticking(0.0004, 0.1009, 0.3017, 0.7023))
    for stage in ("retrieve", "pack", "queue"):
        clock.lap(stage)  # type: ignore[arg-type]
    latency = clock.latency()
    assert (latency.retrieve_ms, latency.pack_ms, latency.queue_ms) == (0.1, 0.201, 0.401)
    assert latency.total_ms == pytest.approx(0.702, abs=1e-9)


def test_the_real_clock_is_read_when_none_is_given() -> None:
    clock = Clock()
    clock.lap("check")
    total_ms = clock.latency().total_ms
    assert total_ms is not None
    assert total_ms >= 0
