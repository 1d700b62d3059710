import pytest

from rag.measuring.cost import FREE, Price, cost_usd, energy_usd
from rag.types import Energy, Usage


def test_cost_is_nothing_when_the_model_is_free() -> None:
    assert cost_usd({"slm": Usage(900, 80, False)}, {"slm": FREE}) == 0.0


@pytest.mark.parametrize("prices", [{}, {"cloud": None}])
def test_cost_is_unknown_when_a_model_has_no_price(prices: dict[str, Price | None]) -> None:
    assert cost_usd({"cloud": Usage(900, 80, False)}, prices) is None


def test_cost_is_by_the_million_tokens_when_a_price_is_known() -> None:
    prices = {"cloud": Price(prompt_usd=0.5, completion_usd=2.0)}
    assert cost_usd({"cloud": Usage(1_000, 100, False)}, prices) == pytest.approx(0.0007)


def test_costs_are_added_up_when_two_models_were_asked() -> None:
    usage = {"slm": Usage(1_000, 100, False), "cloud": Usage(1_000, 100, True)}
    prices = {"cloud": Price(prompt_usd=0.5, completion_usd=2.0), "slm": FREE}
    assert cost_usd(usage, prices) == pytest.approx(0.0007)


def test_the_sum_is_unknown_when_one_price_is() -> None:
    usage = {"cloud": Usage(1, 1, False), "other": Usage(1, 1, False)}
    assert cost_usd(usage, {"cloud": Price(1.0, 1.0)}) is None


def test_cost_is_nothing_when_no_model_was_asked() -> None:
    assert cost_usd({}, {}) == 0.0


@pytest.mark.parametrize(
    ("energy", "usd_per_kwh", "usd"),
    [
        (Energy(2.0, "measured"), 0.25, 0.0005),
        (Energy(2.0, "measured"), 0.0, 0.0),
        (Energy(2.0, "measured"), None, 0.0),
        (None, None, 0.0),
        (None, 0.25, None),
    ],
)
def test_electricity_costs_what_its_price_says_when_both_are_known(
    energy: Energy | None, usd_per_kwh: float | None, usd: float | None
) -> None:
    assert energy_usd(energy, usd_per_kwh) == usd
