from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingsError
from rag.measuring.cost import Price, cost_usd, parse_prices
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


# --- RAG_PRICES ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_no_price_is_known_when_nothing_is_listed(text: str) -> None:
    assert parse_prices(text) == {}


def test_prices_are_read_when_models_are_listed() -> None:
    prices = parse_prices("gpt-4o-mini=0.15/0.60, org/model:free = 0/0,")
    assert prices == {"gpt-4o-mini": Price(0.15, 0.6), "org/model:free": Price(0.0, 0.0)}


def test_the_last_sign_parts_name_and_amounts_when_a_name_holds_one() -> None:
    assert parse_prices("a=b=1/2") == {"a=b": Price(1.0, 2.0)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("m", "entry 1 is not of the form"),
        ("m=1", "entry 1 is not of the form"),
        ("m=1/2/3", "entry 1 is not of the form"),
        ("m=1/dear", "entry 1 is not of the form"),
        ("m=-1/2", "entry 1 is not of the form"),
        ("m=nan/2", "entry 1 is not of the form"),
        ("m=1/inf", "entry 1 is not of the form"),
        ("m=1/2,,n=1/2", "entry 2 is not of the form"),
        ("m=1/2, =1/2", "entry 2 names no model"),
        ("m=1/2, m=3/4", "entry 2 names a model a second time"),
    ],
)
def test_the_entry_is_named_when_a_price_makes_no_sense(text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"^Setting RAG_PRICES: {sentence}"):
        parse_prices(text)


@given(st.text())
def test_a_sentence_refuses_it_when_it_cannot_be_read(text: str) -> None:
    with suppress(SettingsError):
        assert all(price.of(Usage(1, 1, False)) >= 0 for price in parse_prices(text).values())
