import pytest

from rag.measuring.cost import Price, cost_usd
from rag.types import Usage


def test_cost_is_nothing_when_the_model_is_local() -> None:
    assert cost_usd({"slm": Usage(900, 80, False)}, {"slm"}, {}) == 0.0


def test_cost_is_unknown_when_a_remote_model_has_no_price() -> None:
    assert cost_usd({"cloud": Usage(900, 80, False)}, {"slm"}, {}) is None


def test_cost_is_by_the_million_tokens_when_a_price_is_listed() -> None:
    prices = {"cloud": Price(prompt_usd=0.5, completion_usd=2.0)}
    assert cost_usd({"cloud": Usage(1_000, 100, False)}, (), prices) == pytest.approx(0.0007)


def test_costs_are_added_up_when_two_models_were_asked() -> None:
    usage = {"slm": Usage(1_000, 100, False), "cloud": Usage(1_000, 100, True)}
    prices = {"cloud": Price(prompt_usd=0.5, completion_usd=2.0)}
    assert cost_usd(usage, {"slm"}, prices) == pytest.approx(0.0007)


def test_the_sum_is_unknown_when_one_price_is() -> None:
    usage = {"cloud": Usage(1, 1, False), "other": Usage(1, 1, False)}
    assert cost_usd(usage, (), {"cloud": Price(1.0, 1.0)}) is None


def test_cost_is_nothing_when_no_model_was_asked() -> None:
    assert cost_usd({}, (), {}) == 0.0
