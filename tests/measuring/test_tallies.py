from __future__ import annotations

from measuring.entries import asked_at_once, declined, entry, escalated

from rag.measuring.entries import Entry, Part
from rag.measuring.tallies import (
    EnergyFigures,
    FirstToken,
    Left,
    departures,
    energies,
    first_tokens,
    notes,
)
from rag.types import Energy, Latency, Usage

COLD, WARM = Part("machine", is_cold=True), Part("machine")
CLOUD = Part("cloud")
HALF, TWO = Energy(0.5, "measured", is_whole=False), Energy(2.0, "measured")


def after(first_ms: float | None, part: Part, **changes: object) -> Entry:
    return entry(latency=Latency(first_token_ms=first_ms), parts={"slm": part}, **changes)


# --- first tokens ----------------------------------------------------------------------------


def test_no_first_token_is_told_when_there_are_no_turns() -> None:
    assert first_tokens([]) == {}


def test_cold_and_warm_are_told_apart_when_a_model_had_both() -> None:
    turns = [after(9000, COLD), after(300, WARM), after(500, WARM), after(100, WARM)]
    assert first_tokens(turns) == {"small": FirstToken(3, 300, 1, 9000)}


def test_a_side_is_unknown_when_a_model_was_never_cold() -> None:
    assert first_tokens([after(300, WARM)]) == {"small": FirstToken(1, 300, 0, None)}


def test_the_larger_model_counts_when_it_was_asked_at_once() -> None:
    latency = Latency(first_token_ms=700)
    assert first_tokens([asked_at_once(latency=latency, parts={"llm": CLOUD})]) == {
        "large": FirstToken(1, 700, 0, None)
    }


def test_a_turn_counts_for_nothing_when_its_first_token_or_its_model_is_not_known() -> None:
    assert first_tokens([after(None, WARM), entry(), declined()]) == {}


# --- energy ----------------------------------------------------------------------------------


def test_no_energy_is_told_when_no_model_here_worked() -> None:
    assert energies([]) is None
    assert energies([entry(), declined(), asked_at_once(parts={"llm": CLOUD})]) is None


def test_energy_is_added_up_when_all_of_it_is_known() -> None:
    one = entry(parts={"slm": Part("machine", energy=TWO)})
    both = escalated(parts={"slm": Part("machine", energy=TWO), "llm": CLOUD})
    assert energies([one, both]) == EnergyFigures(2, 0, 4.0, ("measured",), True)


def test_a_turn_is_left_out_when_the_energy_of_a_model_is_not_known() -> None:
    known = entry(parts={"slm": Part("machine", energy=HALF)})
    unknown = escalated(parts={"slm": Part("machine", energy=TWO), "llm": WARM})
    found = energies([known, unknown])
    assert found == EnergyFigures(1, 1, 0.5, ("measured",), False)
    assert list(notes([known, unknown], found)) == [
        "The energy of 1 of 2 turns is not known, as no meter could be read: set RAG_WATTS to what "
        "this machine takes while a model works.",
        "Energy was measured at the processors alone, so the machine took more.",
    ]


def test_the_sum_is_unknown_when_no_turn_has_a_known_energy() -> None:
    assert energies([entry(parts={"slm": WARM})]) == EnergyFigures(0, 1, None, (), True)


# --- what left -------------------------------------------------------------------------------


def test_nothing_left_when_all_models_are_here() -> None:
    assert departures([]) == {}
    assert departures([escalated(parts={"slm": WARM, "llm": WARM}), declined(), entry()]) == {}


def test_tokens_are_told_by_how_far_they_went_when_models_are_elsewhere() -> None:
    turns = [
        escalated(parts={"slm": WARM, "llm": CLOUD}),
        escalated(parts={"slm": Part("network"), "llm": CLOUD}),
    ]
    assert departures(turns) == {
        "cloud": Left(2, 0, 1400, 200),
        "network": Left(1, 0, 600, 50),
    }


def test_a_turn_counts_when_it_failed_after_its_prompt_had_left() -> None:
    told = entry(route="failed", parts={"slm": CLOUD})
    untold = entry(route="failed", parts={"slm": CLOUD}, usage={})
    assert departures([told, untold]) == {"cloud": Left(2, 1, 600, 50)}


def test_a_model_counts_once_when_both_tiers_are_the_same() -> None:
    one = entry(llm="small", parts={"slm": CLOUD, "llm": CLOUD})
    assert departures([one]) == {"cloud": Left(1, 0, 600, 50)}


def test_it_says_so_when_turns_are_from_an_earlier_version() -> None:
    assert list(notes([entry(), declined(), entry(parts={"slm": WARM})], None)) == [
        "1 of 3 turns were noted by an earlier version, which did not tell how far prompts went "
        "nor what energy they took."
    ]
    assert list(notes([declined(usage={"x": Usage(1, 1, False)}, parts={"slm": WARM})], None)) == []
