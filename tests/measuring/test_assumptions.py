"""Which figures costs rest on, and what is said of their origin."""

from __future__ import annotations

from datetime import date

import pytest

from rag.measuring.assumptions import Assumed, Assumption, Given, Set, assume
from rag.measuring.cost import FREE, Price
from rag.measuring.prices import Listed, Prices
from rag.measuring.traffic import Observed, ObservedGo

TODAY = date(2026, 11, 26)
LISTED = Listed(
    "gpt-4.1-mini", Price(0.4, 1.6), "shipped", "OpenAI", ("api.openai.com",),
    "https://example.com", date(2026, 3, 21),
)  # fmt: skip
PRICES = Prices((LISTED,), TODAY)
NOTHING = Observed(0, 0.0, 0, None, None, None)
SMALL = ObservedGo("qwen", 200, 640.0, 40.0, 3.0, 0.05, True, "machine")
LARGE = ObservedGo("gpt-4.1-mini", 50, 700.0, 90.0, 2.0, None, True, "cloud")
SEEN = Observed(300, 30.0, 250, 0.2, SMALL, LARGE)


def row(found: Assumed, name: str) -> Assumption:
    return next(row for row in found.rows if row.name == name)


def test_every_figure_is_assumed_and_says_so_when_nobody_tells() -> None:
    found = assume(Given(), NOTHING, Set(), PRICES)
    assert {row.origin for row in found.rows if "million tokens" not in row.name} == {"assumed"}
    assert (found.basis.turns_a_month, found.basis.escalation_rate) == (10_000, 0.3)
    assert found.basis.goes["small"].price == FREE
    assert found.basis.goes["cloud"].price == Price(0.4, 1.6)
    assert row(found, "Cloud: a million tokens of answer").told == "OpenAI, checked 2026-03-21"
    assert found.notes == ()


def test_the_ledger_counts_when_it_has_seen_turns() -> None:
    found = assume(Given(), SEEN, Set(watts=45), PRICES)
    assert found.basis.turns_a_month == pytest.approx(300 / 30 * 365 / 12)
    assert row(found, "Escalation rate") == Assumption(
        "Escalation rate", 0.2, "share", "ledger", "250 turns in mode auto"
    )
    small, large = found.basis.goes["small"], found.basis.goes["large"]
    assert (small.prompt_tokens, small.seconds, small.wh, small.is_here) == (640, 3, 0.05, True)
    assert (large.completion_tokens, large.price, large.is_here) == (90, Price(0.4, 1.6), False)
    assert row(found, "Cloud").told == "the larger model"


def test_an_option_counts_when_the_ledger_tells_something_else() -> None:
    given = Given(
        turns_a_month=5.0, escalation_rate=0.0, prompt_tokens=100.0, watts=30.0,
        models={"large": "here"}, seconds={"large": 6.0},
    )  # fmt: skip
    found = assume(given, SEEN, Set(watts=45), PRICES)
    assert (found.basis.turns_a_month, found.basis.escalation_rate) == (5, 0)
    assert {found.basis.goes[role].prompt_tokens for role in ("small", "large")} == {100}
    assert found.basis.goes["large"].is_here
    assert found.basis.goes["large"].wh == pytest.approx(0.05)  # 30 W for 6 s
    assert row(found, "Small model: electricity of a turn").told == "--watts: 30 W for 3 s"


def test_settings_count_when_there_is_no_ledger() -> None:
    elsewhere = {"large": ("gpt-4.1-mini", "https://api.openai.com/v1")}
    settings = Set(watts=90, usd_per_kwh=0.25, elsewhere=elsewhere)  # type: ignore[arg-type]
    found = assume(Given(), NOTHING, settings, PRICES)
    assert found.basis.usd_per_kwh == 0.25
    assert found.basis.goes["small"].wh == pytest.approx(0.1)  # 90 W for the 4 s assumed
    assert row(found, "Larger model").told == "RAG_LLM"
    assert found.basis.goes["large"].price == Price(0.4, 1.6)


def test_seconds_elsewhere_tell_nothing_when_the_model_is_to_run_here() -> None:
    found = assume(Given(models={"large": "here"}), SEEN, Set(), PRICES)
    assert row(found, "Larger model: time it works").origin == "assumed"


def test_a_price_is_unknown_when_it_is_too_old_or_not_listed() -> None:
    aged = assume(Given(), NOTHING, Set(), Prices((LISTED,), date(2027, 11, 26)))
    assert aged.basis.goes["cloud"].price is None
    assert aged.notes == (
        "What gpt-4.1-mini costs is not known: its price was checked over a year ago, 2026-03-21. "
        "Set RAG_PRICES=gpt-4.1-mini=prompt/completion, or see `python -m rag prices`.",
    )
    unlisted = assume(Given(models={"cloud": "mystery"}), NOTHING, Set(), PRICES)
    assert row(unlisted, "Cloud: a million tokens of prompt").value is None
    assert "mystery costs is not known: it is in no list of prices" in unlisted.notes[0]


def test_a_few_days_are_no_month_when_the_ledger_is_young() -> None:
    young = Observed(40, 1.5, 40, 0.1, SMALL, None)
    found = assume(Given(), young, Set(), PRICES)
    assert row(found, "Turns a month").origin == "assumed"
    assert row(found, "Escalation rate").origin == "ledger"
    assert "1.5 days, too few" in found.notes[0]
    assert assume(Given(turns_a_month=9.0), young, Set(), PRICES).notes == ()


def test_too_little_is_said_when_only_the_processors_were_measured() -> None:
    partly = Observed(
        1, 0.0, 1, 0.0, ObservedGo("m", 1, 1.0, 1.0, 1.0, 0.1, False, "machine"), None
    )
    found = assume(Given(), partly, Set(), PRICES)
    assert row(found, "Small model: electricity of a turn").told == (
        "1 answer, of the processors alone: too little"
    )
