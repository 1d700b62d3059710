from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingsError
from rag.measuring.cost import Price
from rag.measuring.prices import (
    NO_PRICES,
    SHIPPED,
    Listed,
    Prices,
    load_prices,
    parse_prices,
    read_list,
)
from rag.types import Usage

TODAY = date(2026, 11, 26)
OPENAI, ELSEWHERE = "https://api.openai.com", "https://proxy.example.org"

OWN = """
[[provider]]
name = "Mine"
hosts = ["*.example.org"]
source = "https://example.org/prices"
checked = 2026-11-01

[provider.models]
"gpt-*" = { prompt = 1, completion = 2.5 }
"""


def listed(**changes: object) -> Listed:
    known: dict[str, object] = {
        "model": "gpt-5-mini",
        "price": Price(1.0, 2.0),
        "origin": "shipped",
        "hosts": ("api.openai.com",),
        "checked": TODAY,
    }
    return Listed(**known | changes)  # type: ignore[arg-type]


# --- finding ---------------------------------------------------------------------------------


def test_no_price_is_found_when_there_is_no_list() -> None:
    assert NO_PRICES.find("gpt-5-mini", OPENAI) is None


@pytest.mark.parametrize(
    ("model", "address", "is_found"),
    [
        ("gpt-5-mini", OPENAI, True),
        ("GPT-5-mini", "https://API.openai.com:443", True),
        ("gpt-5-mini", None, True),
        ("gpt-5-mini", ELSEWHERE, False),
        ("gpt-5-mini", "", False),
        ("gpt-5-mini-2025-08-07", OPENAI, False),
        ("gpt-5", OPENAI, False),
    ],
)
def test_a_price_is_found_when_name_and_address_fit(
    model: str, address: str | None, is_found: bool
) -> None:
    assert (Prices((listed(),), TODAY).find(model, address) is not None) == is_found


def test_the_first_price_counts_when_several_fit() -> None:
    prices = Prices((listed(model="gpt-5-*", price=Price(3.0, 4.0)), listed()), TODAY)
    assert prices.find("gpt-5-mini", OPENAI) == Price(3.0, 4.0)


@pytest.mark.parametrize(("days", "is_found"), [(365, True), (366, False)])
def test_a_price_no_longer_counts_when_it_is_older_than_a_year(days: int, is_found: bool) -> None:
    prices = Prices((listed(checked=TODAY - timedelta(days)),), TODAY)
    assert (prices.find("gpt-5-mini", OPENAI) is not None) == is_found


def test_the_next_price_counts_when_the_first_is_too_old() -> None:
    old = listed(price=Price(9.0, 9.0), checked=date(2020, 1, 1))
    assert Prices((old, listed()), TODAY).find("gpt-5-mini", OPENAI) == Price(1.0, 2.0)


# --- lists in files --------------------------------------------------------------------------


def test_every_price_has_a_page_a_date_and_hosts_when_it_is_shipped() -> None:
    shipped = read_list(SHIPPED, "shipped")
    assert len(shipped) >= 10
    for one in shipped:
        assert one.source.startswith("https://")
        assert one.hosts
        assert one.checked is not None
        assert 0 < one.price.prompt_usd <= one.price.completion_usd


def test_ones_own_list_goes_before_the_shipped_and_the_setting_before_both(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        OWN.replace("*.example.org", "api.openai.com"), encoding="utf-8"
    )
    origins = [one.origin for one in load_prices("gpt-5=7/8", tmp_path).listed]
    assert list(dict.fromkeys(origins)) == ["RAG_PRICES", "your list", "shipped"]
    prices = Prices(load_prices("gpt-5=7/8", tmp_path).listed, TODAY)
    assert prices.find("gpt-5", OPENAI) == Price(7.0, 8.0)
    assert prices.find("gpt-5-mini", OPENAI) == Price(1.0, 2.5)
    assert prices.find("mistral-small-2603", "https://api.mistral.ai") == Price(0.15, 0.6)


def test_a_list_is_read_when_it_is_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(OWN, encoding="utf-8")
    assert read_list(path, "your list") == (
        Listed(
            "gpt-*",
            Price(1.0, 2.5),
            "your list",
            "Mine",
            ("*.example.org",),
            "https://example.org/prices",
            date(2026, 11, 1),
        ),
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_nothing_is_listed_when_the_file_is_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    assert read_list(path, "your list") == ()


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("[[provider]]", "[[provider", "is not TOML"),
        ("[[provider]]", "[[providers]]", "provider: Input should be a valid"),
        ('name = "Mine"', "", "provider → 0 → name: Field required"),
        ("2026-11-01", '"some day"', "provider → 0 → checked: Input should be a valid date"),
        ("checked", "seen", "provider → 0 → checked: Field required"),
        ("prompt = 1", "prompt = -1", "models → gpt-\\* → prompt: Input should be greater"),
        ("prompt = 1", "prompt = inf", "models → gpt-\\* → prompt: Input should be a finite"),
        ("prompt = 1", "promt = 1", "models → gpt-\\* → prompt: Field required"),
    ],
)
def test_the_place_is_told_when_a_list_makes_no_sense(
    tmp_path: Path, was: str, becomes: str, why: str
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(OWN.replace(was, becomes), encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"prices\.toml makes no sense: .*{why}"):
        read_list(path, "your list")


def test_it_says_so_when_a_list_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        read_list(path, "your list")


def test_it_says_so_when_a_list_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot be opened"):
        load_prices("", tmp_path)


# --- RAG_PRICES ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_no_price_is_known_when_nothing_is_set(text: str) -> None:
    assert parse_prices(text) == ()


def test_prices_are_read_when_models_are_set() -> None:
    found = {
        one.model: one.price for one in parse_prices("gpt-4o-mini=0.15/0.60, org/m:free = 0/0,")
    }
    assert found == {"gpt-4o-mini": Price(0.15, 0.6), "org/m:free": Price(0.0, 0.0)}


def test_a_price_counts_at_any_address_and_age_when_it_is_set() -> None:
    prices = Prices(parse_prices("m=1/2"), date.max)
    assert prices.find("m", ELSEWHERE) == prices.find("m", "") == Price(1.0, 2.0)


def test_the_last_sign_parts_name_and_amounts_when_a_name_holds_one() -> None:
    assert [one.model for one in parse_prices("a=b=1/2")] == ["a=b"]


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
        assert all(one.price.of(Usage(1, 1, False)) >= 0 for one in parse_prices(text))
