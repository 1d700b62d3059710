"""`ledger`: what is noted of a turn, shown and wiped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
from cli.running import Output, as_json, refused
from scripted_server import Scripted, ScriptedServer

from rag.cli import main
from rag.measuring.preferences import PREFERENCES, Preference, Preferences, Side


@pytest.fixture
def asked(pump: Path, capsys: Output, scripted_server: ScriptedServer) -> str:
    """The trace id of one turn that the small model answered."""
    main(["index", str(pump)])
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours", " [1].")))
    answer = as_json(capsys, "ask", "When is the oil changed?", "--mode", "slm")
    return str(answer["trace_id"])


def test_figures_are_null_when_no_turn_was_noted(capsys: Output) -> None:
    assert as_json(capsys, "ledger") == {
        "recording": True,
        "days": None,
        "turns": 0,
        "failed": 0,
        "kept": 0,
        "first_at": None,
        "last_at": None,
        "auto_turns": 0,
        "auto_ms": 0.0,
        "auto_usd": 0.0,
        "escalation_rate": None,
        "decline_rate": None,
        "routes": {},
        "tokens": {},
        "failed_tokens": {},
        "first_token": {},
        "energy": None,
        "left": {},
        "ms": 0.0,
        "usd": 0.0,
        "always_llm": None,
        "thresholds": [],
        "notes": ["No answer has been noted in this time: ask something, then look again."],
    }


@pytest.mark.usefixtures("asked")
def test_a_turn_is_noted_without_its_words_when_ask_has_answered(
    tmp_path: Path, capsys: Output
) -> None:
    found = as_json(capsys, "ledger", "--days", "1")
    assert (found["turns"], found["auto_turns"], found["days"]) == (1, 0, 1)
    assert found["routes"]["slm"]["turns"] == 1
    assert found["tokens"] == {"small": {"prompt": 10, "completion": 3}}
    assert found["first_token"]["small"].keys() == {
        *("warm_turns", "warm_ms", "cold_turns", "cold_ms")
    }
    assert found["left"] == {}
    assert found["energy"]["turns"] + found["energy"]["unknown_turns"] == 1
    assert found["first_at"].endswith("+00:00")
    noted = (tmp_path / "data" / "ledger.sqlite").read_bytes()
    assert [word for word in (b"oil", b"500", b"pump") if word in noted] == []


@pytest.mark.usefixtures("asked")
def test_a_turn_is_noted_when_ask_has_failed(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(), Scripted(status=401))
    assert main(["ask", "When is the oil changed?", "--mode", "slm", "--json"]) == 1
    capsys.readouterr()
    found = as_json(capsys, "ledger")
    assert (found["turns"], found["failed"], list(found["routes"])) == (1, 1, ["slm"])
    assert main(["ledger"]) == 0
    assert "1 turn ended without an answer." in capsys.readouterr().out


@pytest.mark.usefixtures("asked")
def test_the_ledger_is_readable_when_a_person_looks(capsys: Output) -> None:
    assert main(["ledger"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("1 turn from ")
    assert re.search(r"^slm +1 +\d[\d.]* m?s$", output.out, re.MULTILINE)
    assert re.search(r"^small +10 +3$", output.out, re.MULTILINE)
    assert "The larger model has not answered yet" in output.err


def test_electricity_is_part_of_the_cost_when_it_has_a_price(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("RAG_WATTS", "50")
    monkeypatch.setenv("RAG_USD_PER_KWH", "1000")
    request.getfixturevalue("asked")
    found = as_json(capsys, "ledger")
    energy = found["energy"]
    assert (energy["sources"], energy["is_whole"], energy["turns"]) == (["configured"], True, 1)
    assert energy["wh"] > 0
    assert found["usd"] == pytest.approx(energy["wh"])
    assert main(["ledger"]) == 0
    assert "Wh in 1 turn (configured)." in capsys.readouterr().out


def test_savings_are_told_when_a_draft_was_escalated(
    pump: Path, capsys: Output, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", f"{scripted_server.base_url}#large")
    main(["index", str(pump)])
    scripted_server.script(by_model, by_model, by_model, by_model)
    answer = as_json(capsys, "ask", "When is the oil changed?", "--mode", "auto")
    assert answer["route"] == "llm"
    found = as_json(capsys, "ledger")
    assert (found["auto_turns"], found["escalation_rate"]) == (1, 1.0)
    assert found["tokens"]["large"] == {"prompt": 900, "completion": 7}
    always = found["always_llm"]
    assert (always["model"], always["from_turns"], always["usd"]) == ("large", 1, 0.0)
    assert always["saved_ms"] < 0  # the draft was in vain
    assert [moved["threshold"] for moved in found["thresholds"]][:2] == [0.1, 0.2]
    assert main(["ledger"]) == 0
    assert "Estimated from 1 turn that large answered." in capsys.readouterr().out


def by_model(request: dict[str, Any]) -> Scripted:
    """The small model writes nothing, the larger one answers."""
    if request["model"] == "large":
        return Scripted(deltas=("Every 500 hours", " [1]."), usage=(900, 7))
    return Scripted(deltas=())


def test_nothing_is_noted_when_the_ledger_is_off(
    pump: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("RAG_LEDGER", "false")
    request.getfixturevalue("asked")
    found = as_json(capsys, "ledger")
    assert (found["recording"], found["turns"]) == (False, 0)
    assert main(["ledger"]) == 0
    assert "RAG_LEDGER is false" in capsys.readouterr().err


@pytest.mark.usefixtures("asked")
def test_the_ledger_is_empty_when_it_was_wiped(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    preferences = Preferences(tmp_path / "data" / PREFERENCES)
    preferences.add(Preference(1.0, Side("1", "a", "slm"), Side("2", "b", "llm"), "first"))
    assert "--yes" in refused(capsys, "ledger", "--wipe")
    assert as_json(capsys, "ledger")["turns"] == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(click.Abort))
    assert main(["ledger", "--wipe"]) == 130
    assert as_json(capsys, "ledger")["turns"] == 1
    assert len(preferences.all()) == 1
    assert as_json(capsys, "ledger", "--wipe", "--yes") == {"wiped": True}
    assert as_json(capsys, "ledger")["turns"] == 0
    assert preferences.all() == ()


def test_the_answer_is_given_when_the_ledger_is_spoilt(
    pump: Path, tmp_path: Path, capsys: Output, scripted_server: ScriptedServer
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.sqlite").write_bytes(b"no database" * 100)
    main(["index", str(pump)])
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours", " [1].")))
    assert as_json(capsys, "ask", "When is the oil changed?", "--mode", "slm")["route"] == "slm"
    assert main(["ledger"]) == 1
    assert "ledger --wipe" in capsys.readouterr().err
