"""`tco`: the shape of its JSON, its report, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.running import Output, as_json, refused
from measuring.entries import NOON, entry, escalated

from rag.cli import main
from rag.measuring.entries import Part
from rag.measuring.ledger import LEDGER, Ledger

PRICED = "gpt-4.1-mini=0.4/1.6"


@pytest.fixture(autouse=True)
def _priced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_PRICES", PRICED)  # the list that comes along grows old


def test_every_design_is_told_when_all_is_assumed(capsys: Output) -> None:
    found = as_json(capsys, "tco", "--turns", "1000", "--rate", "0.5", "--hardware-usd", "0")
    assert found.keys() == {
        *("assumptions", "designs", "over_rate", "dearer_above_rate", "tokens_at", "notes")
    }
    hybrid = found["designs"]["hybrid"]
    assert hybrid["goes_a_turn"] == {"small": 1.0, "large": 0.5}
    # 45 W for 4 s, and for half of 12 s, at 0.30 USD a kWh.
    assert hybrid["month"]["electricity_usd"] == pytest.approx(1000 * 45 * 10 / 3.6e6 * 0.3)
    assert hybrid["break_even"]["verdict"] == "always"
    # 700 tokens at 0.4 and 80 at 1.6 USD a million.
    assert found["designs"]["cloud"]["turn_usd"] == pytest.approx(0.000408)
    assert found["tokens_at"]["2"]["month_usd"]["cloud"] == pytest.approx(0.816)
    assert [point["rate"] for point in found["over_rate"]][::10] == [0.0, 0.5, 1.0]
    assert {row["origin"] for row in found["assumptions"]} == {"option", "assumed", "prices"}


def test_the_ledger_is_used_when_there_is_one(tmp_path: Path, capsys: Output) -> None:
    book = Ledger(tmp_path / "data" / LEDGER)
    here = Part("machine")
    for turn in range(8):
        book.append(entry(at=NOON + turn * 86_400, parts={"slm": here}))
    book.append(escalated(at=NOON + 10 * 86_400, parts={"slm": here, "llm": here}))
    origins = {row["name"]: row for row in as_json(capsys, "tco")["assumptions"]}
    assert origins["Turns a month"]["told"] == "9 turns in 10 days"
    assert origins["Escalation rate"]["value"] == pytest.approx(1 / 9)
    assert origins["Larger model"]["told"] == "large, 1 answer"
    without = as_json(capsys, "tco", "--no-ledger")["assumptions"]
    assert "ledger" not in {row["origin"] for row in without}


def test_unknown_is_null_when_a_model_has_no_price(capsys: Output) -> None:
    found = as_json(capsys, "tco", "--cloud", "mystery")
    cloud, hybrid = found["designs"]["cloud"], found["designs"]["hybrid"]
    assert (cloud["month"]["total_usd"], cloud["turn_usd"]) == (None, None)
    assert (hybrid["break_even"]["verdict"], found["dearer_above_rate"]["cloud"]) == (
        "unknown",
        None,
    )
    assert hybrid["month"]["total_usd"] > 0
    assert "RAG_PRICES=mystery=prompt/completion" in found["notes"][0]


@pytest.mark.parametrize("name", ["costs.html", "costs.md"])
@pytest.mark.parametrize("cloud", ["gpt-4.1-mini", "mystery"])
def test_a_report_is_written_when_it_is_wanted(
    tmp_path: Path, capsys: Output, name: str, cloud: str
) -> None:
    assert main(["tco", "--cloud", cloud, "--report", str(tmp_path / name)]) == 0
    assert "What does a month cost?" in capsys.readouterr().out
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert "What does it cost to escalate more?" in text
    assert "Which figures are these from?" in text
    assert ("not known" in text) == (cloud == "mystery")


def test_never_is_said_when_the_cloud_is_cheaper_at_any_size(capsys: Output) -> None:
    assert main(["tco", "--usd-per-kwh", "50"]) == 0
    assert "Hybrid is never cheaper than the cloud" in capsys.readouterr().out


def test_a_machine_that_is_too_small_is_told_when_it_would_be_busy_all_the_time(
    capsys: Output,
) -> None:
    assert main(["tco", "--turns", "1000000"]) == 0
    out = capsys.readouterr().out
    assert "Larger model alone would keep this machine busy 457% of the time" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rate", "1.5"], "0<=x<=1"),
        (["--turns", "nan"], "nan is not a number"),
        (["--turns", "inf"], "range"),
        (["--years", "0"], "0.0<x"),
        (["--cloud", "here"], "here is not the cloud"),
        (["--report", "costs.pdf"], "end it in .html"),
    ],
)
def test_it_is_refused_when_an_option_makes_no_sense(
    capsys: Output, options: list[str], said: str
) -> None:
    assert said in refused(capsys, "tco", *options)
