"""What designs cost over months, against sums worked out by hand."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.measuring.cost import FREE, Price
from rag.measuring.tco import (
    DESIGNS,
    Basis,
    BreakEven,
    Go,
    bill,
    break_even,
    busy_share,
    fixed_usd,
    over_rates,
    parity_rate,
    turn_usd,
    with_electricity_at,
    with_hardware_at,
    with_tokens_at,
)

# A small model here: 0.1 Wh at 0.50 USD a kWh is 0.00005 USD a turn.
SMALL = Go(600, 50, FREE, is_here=True, seconds=4.0, wh=0.1)
# A larger one elsewhere: 500 tokens at 1 USD and 125 at 4 USD a million are 0.001 USD.
LARGE = Go(500, 125, Price(1.0, 4.0))
CLOUD = Go(500, 125, Price(2.0, 8.0))  # 0.002 USD
BASIS = Basis(
    turns_a_month=1_000,
    escalation_rate=0.25,
    goes={"small": SMALL, "large": LARGE, "cloud": CLOUD},
    usd_per_kwh=0.5,
    hardware_usd=1_200,  # 50 USD a month
    years=2,
)
UNPRICED = replace(BASIS, goes={**BASIS.goes, "large": replace(LARGE, price=None)})

amounts = st.floats(0, 1e6)
prices = st.builds(Price, st.floats(0, 100), st.floats(0, 100))
local = st.builds(
    Go, amounts, amounts, st.just(FREE), st.just(True), st.floats(0, 1e4), st.floats(0, 1e3)
)
remote = st.builds(Go, amounts, amounts, prices)
bases = st.builds(
    Basis,
    amounts,
    st.floats(0, 1),
    st.fixed_dictionaries({"small": local, "large": local | remote, "cloud": remote}),
    st.floats(0, 2),
    amounts,
    st.floats(0.1, 20),
    st.floats(0, 1e3),
)


def test_a_month_is_the_sum_of_its_parts_when_all_is_known() -> None:
    assert astuple(bill(BASIS, "hybrid")) == pytest.approx((0.25, 0.05, 50.0))
    assert bill(BASIS, "hybrid").total_usd == pytest.approx(50.30)
    assert bill(BASIS, "small").total_usd == pytest.approx(50.05)
    assert bill(BASIS, "large").total_usd == pytest.approx(1.0)
    assert bill(BASIS, "cloud").total_usd == pytest.approx(2.0)


def test_the_hardware_is_paid_once_when_its_life_is_over() -> None:
    whole = bill(BASIS, "hybrid", BASIS.life_months)
    assert whole.hardware_usd == pytest.approx(1_200)
    assert whole.total_usd == pytest.approx(24 * 50.30)


def test_being_on_costs_all_month_when_nothing_is_asked() -> None:
    silent = replace(BASIS, turns_a_month=0, idle_watts=10)
    assert bill(silent, "small").electricity_usd == pytest.approx(3.65)  # 7.3 kWh
    assert bill(silent, "cloud").electricity_usd == 0


def test_no_hardware_is_paid_when_no_model_is_here() -> None:
    assert (bill(BASIS, "large").hardware_usd, bill(BASIS, "cloud").hardware_usd) == (0, 0)


def test_a_sum_is_unknown_when_a_price_is() -> None:
    assert bill(UNPRICED, "hybrid").tokens_usd is None
    assert (bill(UNPRICED, "hybrid").total_usd, turn_usd(UNPRICED, "large")) == (None, None)
    assert bill(UNPRICED, "small").total_usd == pytest.approx(50.05)
    assert break_even(UNPRICED, "hybrid") == BreakEven("unknown")
    assert parity_rate(UNPRICED, "cloud") is None


def test_a_model_without_a_price_costs_nothing_when_it_is_never_asked() -> None:
    never = replace(UNPRICED, escalation_rate=0.0)
    assert bill(never, "hybrid") == bill(never, "small")


def test_break_even_is_fixed_cost_over_what_a_turn_saves_when_it_saves() -> None:
    # 50 USD over 0.002 - 0.0003, and over 0.002 - 0.00005.
    hybrid, small = break_even(BASIS, "hybrid"), break_even(BASIS, "small")
    assert (hybrid.verdict, small.verdict) == ("from", "from")
    assert hybrid.turns_a_month == pytest.approx(29_411.76)
    assert small.turns_a_month == pytest.approx(25_641.03)


def test_there_is_no_break_even_when_a_turn_saves_nothing() -> None:
    dear = replace(BASIS, usd_per_kwh=20.0)  # 0.002 USD a turn, as in the cloud
    assert break_even(dear, "small") == BreakEven("never")
    assert break_even(BASIS, "cloud") == BreakEven("never")


def test_it_pays_from_the_first_turn_when_nothing_is_fixed() -> None:
    assert break_even(replace(BASIS, hardware_usd=0), "small") == BreakEven("always")
    assert break_even(BASIS, "large") == BreakEven("always")


def test_hybrid_meets_the_larger_model_at_a_rate_when_drafts_are_cheaper() -> None:
    owned = replace(BASIS, hardware_usd=0)
    assert parity_rate(owned, "large") == pytest.approx(0.95)  # 0.00005 + 0.95 × 0.001 = 0.001
    assert parity_rate(owned, "cloud") is None  # even at 1 it is cheaper
    assert parity_rate(BASIS, "large") is None  # the hardware makes it dearer at any


def test_the_machine_is_busy_by_its_own_models_when_others_are_elsewhere() -> None:
    assert busy_share(BASIS, "hybrid") == pytest.approx(4_000 / 2_628_000)
    assert busy_share(BASIS, "large") == 0


def test_one_part_follows_a_price_when_it_changes() -> None:
    assert bill(with_tokens_at(BASIS, 2), "hybrid").total_usd == pytest.approx(50.55)
    assert bill(with_electricity_at(BASIS, 2), "hybrid").total_usd == pytest.approx(50.35)
    assert bill(with_hardware_at(BASIS, 0.5), "hybrid").total_usd == pytest.approx(25.30)
    assert bill(with_tokens_at(UNPRICED, 2), "hybrid").total_usd is None


@given(bases)
def test_hybrid_is_the_small_model_alone_when_nothing_is_escalated(basis: Basis) -> None:
    never = replace(basis, escalation_rate=0.0)
    assert bill(never, "hybrid") == bill(never, "small")


@given(bases)
def test_hybrid_costs_no_less_when_more_is_escalated(basis: Basis) -> None:
    costs = [usd for _, usd in over_rates(basis, "hybrid")]
    assert len(costs) == 21
    assert all(more >= less * (1 - 1e-12) for less, more in pairwise(costs))


@given(bases)
def test_both_cost_the_same_when_the_turns_are_those_of_break_even(basis: Basis) -> None:
    for design in DESIGNS:
        found = break_even(basis, design)
        if found.turns_a_month is None:
            continue
        there = replace(basis, turns_a_month=found.turns_a_month)
        assert bill(there, design).total_usd == pytest.approx(bill(there, "cloud").total_usd)


@given(bases, st.floats(0, 1e6))
def test_it_is_dearer_at_any_number_of_turns_when_it_never_breaks_even(
    basis: Basis, turns: float
) -> None:
    at = replace(basis, turns_a_month=turns)
    for design in DESIGNS:
        if break_even(basis, design).verdict == "never":
            here, cloud = bill(at, design).total_usd, bill(at, "cloud").total_usd
            assert here is not None
            assert cloud is not None
            assert here >= cloud * (1 - 1e-12)
        assert fixed_usd(basis, design) >= 0
