from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring.entries import NOON, asked_at_once, declined, entry, escalated

from rag.measuring.cost import Price
from rag.measuring.entries import Entry, failed_entry
from rag.measuring.larger import Larger, larger_of
from rag.measuring.prices import NO_PRICES, Prices, parse_prices
from rag.measuring.savings import THRESHOLDS, Figures, RouteFigures, TokenFigures, figures
from rag.types import Failed, Latency, Usage

PRICES = "large=1/10"
TURNS = (entry(), escalated(cost_usd=0.0017), declined(), asked_at_once(cost_usd=0.0013))


def of(*entries: Entry, prices: str = PRICES) -> Figures:
    return figures(entries, larger_of(entries, priced(prices)))


def priced(prices: str) -> Prices:
    return Prices(parse_prices(prices), date(2026, 11, 26))


# --- counts ----------------------------------------------------------------------------------


def test_nothing_is_told_when_there_are_no_turns() -> None:
    found = of()
    assert (found.turns, found.first_at, found.escalation_rate, found.always_llm) == (
        0,
        None,
        None,
        None,
    )
    assert (found.routes, found.tokens, found.thresholds) == ({}, {}, ())
    assert found.notes == (
        "No answer has been noted in this time: ask something, then look again.",
    )


def test_a_turn_without_an_answer_is_counted_and_changes_nothing_else_when_it_failed() -> None:
    failure = failed_entry(Failed("No model.", latency=Latency(total_ms=9e9)), "auto", NOON + 9)
    assert replace(of(*TURNS, failure), failed=0, notes=()) == replace(of(*TURNS), notes=())
    assert of(failure) == replace(of(), failed=1)


def test_one_turn_tells_its_own_figures_when_it_is_the_only_one() -> None:
    found = of(entry())
    assert (found.turns, found.first_at, found.last_at) == (1, NOON, NOON)
    assert (found.escalation_rate, found.decline_rate) == (0.0, 0.0)
    assert found.routes == {"slm": RouteFigures(1, 2000)}
    assert found.tokens == {"small": TokenFigures(600, 50)}
    assert (found.ms, found.usd) == (2000, 0.0)


def test_rates_are_those_of_mode_auto_when_there_are_other_modes() -> None:
    found = of(*TURNS)
    assert (found.turns, found.auto_turns) == (4, 3)
    assert found.escalation_rate == pytest.approx(1 / 3)
    assert found.decline_rate == pytest.approx(1 / 3)
    assert found.routes["llm"] == RouteFigures(2, 6005)
    assert found.tokens == {"large": TokenFigures(1200, 180), "small": TokenFigures(1200, 100)}


def test_an_escalation_counts_when_the_larger_model_failed() -> None:
    found = of(entry(llm="large", latency=Latency(escalate_ms=9000, total_ms=11_000)))
    assert found.escalation_rate == 1.0


# --- against always asking the larger model --------------------------------------------------


def test_nothing_is_estimated_when_the_larger_model_never_answered() -> None:
    found = of(entry())
    assert found.always_llm is None
    assert "--mode llm" in found.notes[0]


def test_time_is_that_of_search_and_the_median_when_it_was_not_asked() -> None:
    always = of(*TURNS).always_llm
    assert always is not None
    assert (always.model, always.from_turns) == ("large", 2)
    # accepted 10 + median 5000, escalated 10 + its own 6000, declined 10 + 5000, its own 4010
    assert always.ms == 5010 + 6010 + 5010 + 4010
    assert always.saved_ms == always.ms - (2000 + 8000 + 10 + 4010)


def test_money_is_by_its_price_when_the_price_is_known() -> None:
    always = of(*TURNS).always_llm
    assert always is not None
    # prompts 600 (the draft's), 700, 600 (its median), 500; completions 90 (median), 100, 90, 80
    expected_usd = (600 + 700 + 600 + 500) / 1e6 + (90 + 100 + 90 + 80) * 10 / 1e6
    assert always.usd == pytest.approx(expected_usd)
    assert always.saved_usd == pytest.approx(expected_usd - 0.0030)


def test_money_is_nothing_when_the_larger_model_is_on_this_machine() -> None:
    always = of(escalated(), prices="").always_llm
    assert always is not None
    assert (always.usd, always.saved_usd) == (0.0, 0.0)


def test_money_is_unknown_when_a_remote_model_has_no_price() -> None:
    found = of(entry(), asked_at_once(cost_usd=None), prices="")
    assert found.always_llm is not None
    assert (found.usd, found.always_llm.usd, found.always_llm.saved_usd) == (None, None, None)
    assert found.always_llm.ms == 4010 + 4010
    assert found.notes[0].startswith("Money is not known for large: it is in no list of prices")
    assert found.notes[1].startswith("1 of 2 turns went to a model that had no price")


def test_the_model_that_answered_last_is_meant_when_there_were_two() -> None:
    former = asked_at_once(llm="former", usage={"former": Usage(1, 1, estimated=False)})
    larger = larger_of([former, escalated()], NO_PRICES)
    assert larger == Larger("large", 1, 6000, 700, 100, Price(0.0, 0.0))
    assert larger_of([escalated(), former], NO_PRICES).model == "former"  # type: ignore[union-attr]


def test_its_own_time_counts_when_it_declined_after_a_draft() -> None:
    always = of(escalated(route="declined", verdict="not_in_documents")).always_llm
    assert always is not None
    assert (always.ms, always.saved_ms) == (6010, -1990)


def test_waiting_for_a_person_or_a_place_is_not_its_time_when_it_was_asked_at_once() -> None:
    waited = Latency(retrieve_ms=10, queue_ms=30_000, generate_ms=4000, total_ms=34_010)
    larger = larger_of([asked_at_once(latency=waited)], NO_PRICES)
    assert larger is not None
    assert larger.median_ms == 4000


def test_time_is_unknown_when_no_turn_tells_the_larger_models_own() -> None:
    larger = larger_of([escalated(latency=Latency(total_ms=8000))], NO_PRICES)
    assert larger is not None
    assert larger.median_ms is None
    assert figures([entry()], larger).always_llm.ms is None  # type: ignore[union-attr]


# --- had the threshold been another ----------------------------------------------------------


def at(found: Figures, threshold: float) -> tuple[float, float | None, float | None]:
    moved = {one.threshold: one for one in found.thresholds}[threshold]
    return moved.escalation_rate, moved.ms, moved.usd


def test_nobody_escalates_when_the_threshold_is_below_all_drafts() -> None:
    found = of(*TURNS)
    rate, ms, usd = at(found, 0.1)
    assert rate == 0.0
    assert ms == 2000 + 2000 + 10  # the escalated turn without its 6000
    assert usd == pytest.approx(0.0)


def test_what_happened_comes_out_when_the_threshold_lies_between_the_drafts() -> None:
    found = of(*TURNS)
    assert at(found, 0.5) == (found.escalation_rate, found.auto_ms, found.auto_usd)


def test_all_drafts_escalate_when_the_threshold_is_above_them() -> None:
    rate, ms, usd = at(of(*TURNS), 0.9)
    assert rate == pytest.approx(2 / 3)  # the declined turn had no draft
    assert ms == 2000 + 5000 + 8000 + 10
    assert usd == pytest.approx(0.0017 + (600 + 90 * 10) / 1e6)


def test_a_draft_stays_as_it_was_when_it_said_that_the_documents_are_silent() -> None:
    silent = entry(draft_verdict="not_in_documents", draft_confidence=0.05, route="declined")
    assert at(of(silent, entry()), 0.9)[0] == 0.5
    assert of(silent).thresholds == ()


def test_time_is_unknown_when_more_would_escalate_to_a_model_nobody_knows() -> None:
    assert at(of(entry()), 0.7) == (0.0, 2000, 0.0)
    assert at(of(entry()), 0.8) == (1.0, None, None)


turns = st.lists(
    st.builds(
        lambda make, confidence, total_ms: replace(
            made := make(),
            draft_confidence=None if made.draft_confidence is None else confidence,
            latency=replace(made.latency, total_ms=total_ms),
        ),
        st.sampled_from([entry, escalated, declined, asked_at_once]),
        st.floats(0, 1),
        st.floats(6_010, 60_000),
    ),
    max_size=8,
)


@given(turns)
def test_more_escalate_and_never_in_less_time_when_the_threshold_rises(
    entries: list[Entry],
) -> None:
    found = of(*entries)
    rates = [moved.escalation_rate for moved in found.thresholds]
    times_ms = [moved.ms for moved in found.thresholds if moved.ms is not None]
    assert len(rates) in {0, len(THRESHOLDS)}
    assert rates == sorted(rates)
    assert all(0 <= rate <= 1 for rate in rates)
    assert times_ms == pytest.approx(sorted(times_ms))


@given(turns)
def test_the_two_sides_add_up_when_something_is_saved(entries: list[Entry]) -> None:
    found = of(*entries)
    if found.always_llm and found.always_llm.saved_ms is not None:
        assert found.ms is not None
        assert found.always_llm.ms == pytest.approx(found.ms + found.always_llm.saved_ms)
    assert sum(route.turns for route in found.routes.values()) == found.turns == len(entries)
