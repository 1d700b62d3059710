"""What the ledger tells of traffic."""

from __future__ import annotations

import pytest
from measuring.entries import NOON, asked_at_once, declined, entry, escalated

from rag.measuring.entries import Part
from rag.measuring.traffic import Observed, observed
from rag.types import Energy, Latency, Usage

DAY = 86_400


def test_nothing_is_told_when_the_ledger_is_empty() -> None:
    assert observed([]) == Observed(0, 0.0, 0, None, None, None)
    assert observed([]).turns_a_month is None


def test_a_month_is_told_from_its_days_when_there_are_enough() -> None:
    turns = [entry(at=NOON + day * DAY / 10) for day in range(101)]  # 101 turns in ten days
    assert observed(turns).turns_a_month == pytest.approx(101 / 10 * 365 / 12)
    assert observed(turns[:60]).turns_a_month is None


def test_the_rate_is_of_turns_in_mode_auto_when_there_are_others() -> None:
    seen = observed([entry(), escalated(), entry(), declined(), asked_at_once()])
    assert (seen.turns, seen.auto_turns, seen.escalation_rate) == (5, 4, 0.25)


def test_a_turn_counts_nowhere_when_it_failed() -> None:
    seen = observed([entry(), escalated(route="failed")])
    assert (seen.turns, seen.escalation_rate, seen.large) == (1, 0.0, None)


def test_goes_are_averages_when_there_are_several() -> None:
    first = entry(
        usage={"small": Usage(400, 30, estimated=False)},
        latency=Latency(first_token_ms=500, generate_ms=1500, total_ms=2010),
        parts={"slm": Part("machine", energy=Energy(0.02, "measured", is_whole=False))},
    )
    other = entry(parts={"slm": Part("machine", energy=Energy(0.04, "measured"))})
    small = observed([first, other, escalated(parts={"llm": Part("cloud")})]).small
    assert small is not None
    assert (small.goes, small.reach, small.is_whole) == (3, "machine", False)
    assert small.prompt_tokens == pytest.approx((400 + 600 + 600) / 3)
    assert small.completion_tokens == pytest.approx((30 + 50 + 50) / 3)
    assert small.seconds == pytest.approx((2.0 + 1.99 + 1.99) / 3)
    assert small.wh == pytest.approx(0.03)


def test_the_larger_models_time_is_its_own_when_a_draft_came_before() -> None:
    large = observed([escalated(), asked_at_once(parts={"llm": Part("cloud")})]).large
    assert large is not None
    assert (large.seconds, large.reach, large.wh) == (5.0, "cloud", None)  # 6 s and 4 s


def test_only_the_last_model_of_a_tier_counts_when_there_were_several() -> None:
    other = entry(slm="tiny", usage={"tiny": Usage(10, 1, estimated=False)})
    small = observed([entry(), other]).small
    assert small is not None
    assert (small.model, small.goes, small.prompt_tokens) == ("tiny", 1, 10)
