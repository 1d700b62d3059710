"""The contract of ``python -m rag``: JSON shapes, exit codes, what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from answering.turns import judged_by_words
from scripted_server import Scripted, ScriptedServer

from rag.answering import confidence
from rag.cli import COMMANDS, main
from rag.commands.asking import consent
from rag.models.embedded.home import EmbeddedHome
from rag.models.endpoint import EndpointModel
from rag.types import Confidence, Reach

ROOT = Path(__file__).parent.parent
HIT_KEYS = ["rank", "score", "document", "page", "section", "text", "matched_terms"]

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> None:
    (tmp_path / "docs").mkdir()
    settings = {
        "RAG_DATA_DIR": str(tmp_path / "data"),
        "RAG_DOCS_DIR": str(tmp_path / "docs"),
        "RAG_SLM": f"{scripted_server.base_url}#small",
        "RAG_LLM": "none",
        "RAG_WORKERS": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pump(tmp_path: Path) -> Path:
    path = tmp_path / "pump.md"
    path.write_text("# Pump\n\nChange the oil every 500 hours.", encoding="utf-8")
    return path


@pytest.fixture
def lamp(tmp_path: Path) -> Path:
    path = tmp_path / "lamp.txt"
    path.write_text("Fill in lamp oil.", encoding="utf-8")
    return path


def as_json(capsys: Output, *arguments: str, code: int = 0) -> Any:
    """What a command prints: one document, and the exit code that is expected."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def refused(capsys: Output, *arguments: str) -> str:
    """The one line a command refuses with; nothing is on stdout."""
    capsys.readouterr()
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err.strip()


# --- index, documents, forget --------------------------------------------------------------


def test_figures_are_printed_when_files_are_indexed(pump: Path, lamp: Path, capsys: Output) -> None:
    result = as_json(capsys, "index", str(pump), str(lamp))
    assert result.pop("seconds") > 0
    assert result == {"added": 2, "unchanged": 0, "failed": [], "chunks": 2, "pages": 2}
    again = as_json(capsys, "index", str(pump))
    assert (again["added"], again["unchanged"], again["chunks"]) == (0, 1, 0)


def test_a_folder_is_indexed_when_it_is_named(pump: Path, lamp: Path, capsys: Output) -> None:
    (pump.parent / "picture.png").write_bytes(b"\x89PNG")
    assert as_json(capsys, "index", str(pump.parent))["added"] == 2


def test_it_succeeds_when_one_of_two_files_is_broken(
    pump: Path, tmp_path: Path, capsys: Output
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    result = as_json(capsys, "index", str(pump), str(broken))
    assert result["added"] == 1
    [failure] = result["failed"]
    assert failure["path"] == str(broken)
    assert failure["reason"].endswith(".")


def test_it_fails_when_no_file_can_be_read(tmp_path: Path, capsys: Output) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    result = as_json(capsys, "index", str(empty), code=1)
    assert (result["added"], len(result["failed"])) == (0, 1)


def test_the_library_is_listed_when_it_is_empty_and_when_not(pump: Path, capsys: Output) -> None:
    assert as_json(capsys, "documents") == []
    main(["index", str(pump)])
    [entry] = as_json(capsys, "documents")
    assert len(entry.pop("id")) == 64
    assert entry.pop("added_at").endswith("+00:00")
    assert entry == {
        "name": "pump.md",
        "media_type": "text/markdown",
        "pages": 1,
        "chunks": 1,
        "language": "en",
        "note": "",
        "source": str(pump),
    }


def test_nothing_of_it_is_found_when_a_document_was_forgotten(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    [entry] = as_json(capsys, "documents")
    forgotten = as_json(capsys, "forget", entry["id"][:12])
    assert forgotten == {"forgotten": {"id": entry["id"], "name": "pump.md"}}
    assert as_json(capsys, "documents") == []
    assert as_json(capsys, "search", "oil")["hits"] == []


# --- search ----------------------------------------------------------------------------------


def test_hits_have_the_promised_keys_when_a_passage_matches(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    result = as_json(capsys, "search", "oil")
    assert list(result) == ["query", "hits", "latency_ms"]
    assert result["query"] == "oil"
    [hit] = result["hits"]
    assert list(hit) == HIT_KEYS
    assert (hit["rank"], hit["document"], hit["page"], hit["section"]) == (1, "pump.md", 1, "Pump")
    assert hit["matched_terms"] == ["oil"]


def test_no_more_than_k_are_printed_when_more_match(pump: Path, lamp: Path, capsys: Output) -> None:
    main(["index", str(pump), str(lamp)])
    assert len(as_json(capsys, "search", "oil", "-k", "1")["hits"]) == 1


def test_only_the_document_is_searched_when_it_is_named(
    pump: Path, lamp: Path, capsys: Output
) -> None:
    main(["index", str(pump), str(lamp)])
    for name in ("pump.md", "PUMP.MD"):
        hits = as_json(capsys, "search", "oil", "--document", name)["hits"]
        assert [hit["document"] for hit in hits] == ["pump.md"]
    both = as_json(capsys, "search", "oil", "--document", "pump.md", "--document", "lamp.txt")
    assert len(both["hits"]) == 2


def test_the_library_is_untouched_when_a_folder_is_searched(
    pump: Path, lamp: Path, tmp_path: Path, capsys: Output
) -> None:
    main(["index", str(lamp)])
    lamp.unlink()
    hits = as_json(capsys, "search", "oil", "--docs", str(tmp_path))["hits"]
    assert [hit["document"] for hit in hits] == ["pump.md"]
    assert [entry["name"] for entry in as_json(capsys, "documents")] == ["lamp.txt"]


def test_passages_are_readable_when_a_person_searches(pump: Path, capsys: Output) -> None:
    main(["index", str(pump)])
    capsys.readouterr()
    assert main(["search", "oil"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("1. pump.md, page 1 · Pump  (")
    assert "Change the oil every 500 hours." in output


# --- ask -------------------------------------------------------------------------------------


def test_an_answer_has_the_promised_keys_when_it_is_json(
    pump: Path, capsys: Output, scripted_server: ScriptedServer
) -> None:
    main(["index", str(pump)])
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours", " [1].")))
    answer = as_json(capsys, "ask", "When is the oil changed?", "--mode", "slm")
    assert list(answer) == [
        *("text", "route", "model", "citations", "confidence", "context", "latency_ms"),
        *("usage", "cost_usd", "energy", "warnings", "trace_id"),
    ]
    assert (answer["text"], answer["route"]) == ("Every 500 hours [1].", "slm")
    assert answer["model"] == "small"
    assert [hit["document"] for hit in answer["context"]["hits"]] == ["pump.md"]
    assert [citation["document"] for citation in answer["citations"]] == ["pump.md"]
    assert answer["usage"] == {
        "small": {"prompt_tokens": 10, "completion_tokens": 3, "estimated": False}
    }
    total = answer["latency_ms"].pop("total")
    assert sum(ms for ms in answer["latency_ms"].values() if ms is not None) == pytest.approx(total)


def test_answer_sources_and_times_are_printed_when_a_person_asks(
    pump: Path, capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours", " [1].")))
    assert main(["ask", "When is the oil changed?", "--docs", str(pump.parent)]) == 0
    answer, sources = capsys.readouterr().out.split("\n\n")
    assert answer == "Every 500 hours [1]."
    first, badge, *_, last = sources.strip().split("\n")
    assert first == "[1] pump.md, page 1"
    assert badge.startswith("Answered locally")
    assert last.startswith("small · retrieve ")
    assert " = " in last


@pytest.fixture
def two_models(
    monkeypatch: pytest.MonkeyPatch, pump: Path, scripted_server: ScriptedServer
) -> None:
    """A draft that is doubted, and a larger model that knows better."""
    monkeypatch.setenv("RAG_LLM", f"{scripted_server.base_url}#large")
    monkeypatch.setattr(confidence, "before", lambda found: Confidence(0.9, "accept", {}, ()))
    monkeypatch.setattr(confidence, "judge", judged_by_words)
    scripted_server.script(Scripted(), Scripted(deltas=("Every 7777 hours.",)))
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours", " [1].")))
    main(["index", str(pump)])


@pytest.mark.usefixtures("two_models")
def test_the_larger_models_answer_is_the_json_when_a_turn_is_escalated(capsys: Output) -> None:
    answer = as_json(capsys, "ask", "When is the oil changed?")
    assert (answer["text"], answer["route"]) == ("Every 500 hours [1].", "llm")
    assert answer["usage"].keys() == {"small", "large"}
    assert answer["latency_ms"]["escalate"] > 0
    total = answer["latency_ms"].pop("total")
    assert sum(ms for ms in answer["latency_ms"].values() if ms is not None) == pytest.approx(total)


@pytest.mark.usefixtures("two_models")
def test_both_answers_are_told_apart_when_a_turn_is_escalated(capsys: Output) -> None:
    capsys.readouterr()
    assert main(["ask", "When is the oil changed?"]) == 0
    draft, reason, final, sources = capsys.readouterr().out.split("\n\n")
    assert draft == "Every 7777 hours."
    assert reason == "A number is not in the passages: 7777. Asking large:"
    assert final == "Every 500 hours [1]."
    assert "\nEscalated to large · confidence 90%\n" in sources


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_is_sent_when_a_model_is_elsewhere_and_nobody_can_be_asked(
    pump: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch, form: Sequence[str]
) -> None:
    monkeypatch.setenv("RAG_SLM", "http://198.51.100.1:9/v1#far")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    main(["index", str(pump)])
    capsys.readouterr()
    assert main(["ask", "When is the oil changed?", "--mode", "slm", *form]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("far is not on this machine and was not allowed to be asked.")
    assert "RAG_ALLOW_REMOTE" in output.err


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "allowed"), [("y\n", True), ("n\n", False), ("\n", False)])
@pytest.mark.parametrize("reach", ["network", "cloud"])
async def test_a_person_decides_when_a_model_is_elsewhere(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, said: str, allowed: bool, reach: Reach
) -> None:
    terminal = io.StringIO(said)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    far = EndpointModel("far", "http://key@198.51.100.1:9/v1", reach=reach)
    assert await consent(far) is allowed
    output = "".join(capsys.readouterr())
    place = {"network": "on your network", "cloud": "in the cloud"}[reach]
    assert f"far is not on this machine but {place}." in output
    assert "to http://198.51.100.1:9?" in output
    assert "key" not in output


INTERRUPTED = """
import asyncio, io, signal, sys
import click
from rag.commands.asking import consent
from rag.models.endpoint import EndpointModel

class Terminal(io.StringIO):
    def isatty(self):
        return True
    def readline(self, size=-1):
        signal.raise_signal(signal.SIGINT)
        return "y\\n"

sys.stdin = Terminal()
try:
    asyncio.run(consent(EndpointModel("far", "http://198.51.100.1:9/v1")))
except click.Abort:
    print("aborted")
"""


def test_nothing_is_allowed_when_a_person_interrupts_instead() -> None:
    """In a process of its own: a real signal is no business of the other tests."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ended.stdout.strip().endswith("aborted")


def test_it_fails_with_a_sentence_when_the_model_cannot_be_reached(
    pump: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_SLM", "http://127.0.0.1:9/v1#m")
    main(["index", str(pump)])
    capsys.readouterr()
    assert main(["ask", "When is the oil changed?", "--json"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "127.0.0.1:9" in output.err
    assert "Traceback" not in output.err


# --- ledger ----------------------------------------------------------------------------------


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
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--yes" in refused(capsys, "ledger", "--wipe")
    assert as_json(capsys, "ledger")["turns"] == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(click.Abort))
    assert main(["ledger", "--wipe"]) == 130
    assert as_json(capsys, "ledger")["turns"] == 1
    assert as_json(capsys, "ledger", "--wipe", "--yes") == {"wiped": True}
    assert as_json(capsys, "ledger")["turns"] == 0


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


# --- usage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_when_asked_for(command: str, capsys: Output) -> None:
    assert main([command, "--help"]) == 0
    assert f"Example:\n    python -m rag {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["index"],
        ["index", "missing.pdf"],
        ["forget", "00"],
        ["search", " "],
        ["search", "oil", "-k", "0"],
        ["search", "oil", "--document", "missing.pdf"],
        ["search", "oil", "--docs", "missing"],
        ["ask", ""],
        ["ask", "why", "--mode", "fast"],
        ["ledger", "--yes"],
        ["ledger", "--days", "0"],
        ["ledger", "--wipe", "--yes", "--days", "3"],
        ["models", "pull", "bogus"],
        ["serve", "bogus"],
    ],
    ids=" ".join,
)
def test_one_sentence_refuses_it_when_the_usage_is_bad(
    arguments: Sequence[str], capsys: Output
) -> None:
    assert refused(capsys, *arguments)


def test_the_variable_is_named_when_a_setting_is_bad(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_TOP_K", "many")
    assert refused(capsys, "search", "oil").startswith("Setting RAG_TOP_K: ")
    monkeypatch.delenv("RAG_TOP_K")
    monkeypatch.setenv("RAG_PRICES", "gpt-4o-mini=cheap")
    assert refused(capsys, "search", "oil").startswith("Setting RAG_PRICES: ")
    assert refused(capsys, "ledger").startswith("Setting RAG_PRICES: ")


# --- prices ----------------------------------------------------------------------------------


def test_prices_are_listed_with_page_and_age_when_a_person_asks(capsys: Output) -> None:
    assert main(["prices"]) == 0
    output = capsys.readouterr()
    assert re.search(r"^gpt-5-mini +0\.25 +2 +OpenAI +\d{4}-\d\d-\d\d", output.out, re.MULTILINE)
    assert "https://developers.openai.com/api/docs/pricing" in output.out
    assert "RAG_USD_PER_KWH" in output.out


def test_prices_say_where_they_are_from_when_they_are_json(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PRICES", "mine=1/2")
    monkeypatch.setenv("RAG_WATTS", "40")
    found = as_json(capsys, "prices")
    assert list(found) == ["prices", "energy", "notes"]
    first, second, *_ = found["prices"]
    assert first == {
        "model": "mine",
        "prompt_usd": 1.0,
        "completion_usd": 2.0,
        "provider": "",
        "hosts": [],
        "source": "",
        "checked": None,
        "age_days": None,
        "counts": True,
        "from": "RAG_PRICES",
    }
    assert (second["from"], second["hosts"]) == ("shipped", ["api.openai.com"])
    assert found["energy"]["watts"] == 40
    assert found["energy"]["usd_per_kwh"] is None
    assert "40 W" in found["energy"]["sentence"]


@pytest.mark.parametrize(
    ("llm", "told"),
    [
        ("https://api.openai.com/v1#gpt-0", ["https://api.openai.com/v1#gpt-0 has no price"]),
        ("https://api.openai.com/v1#free", []),
        ("http://127.0.0.1:9/v1#gpt-0", []),
        ("none", []),
    ],
)
def test_it_says_so_when_a_model_that_is_set_has_no_price(
    llm: str, told: list[str], capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", llm)
    monkeypatch.setenv("RAG_PRICES", "free=0/0")
    notes = [note for note in as_json(capsys, "prices")["notes"] if "has no price" in note]
    assert [note[: len(start)] for note, start in zip(notes, told, strict=True)] == told


def test_a_copy_can_be_edited_when_it_was_asked_for(tmp_path: Path, capsys: Output) -> None:
    own = tmp_path / "data" / "prices.toml"
    assert as_json(capsys, "prices", "--copy")["prices"][0]["from"] == "your list"
    assert "[[provider]]" in own.read_text(encoding="utf-8")
    own.write_text("[[provider]]\nname = 1", encoding="utf-8")
    assert "There is a list already" in refused(capsys, "prices", "--copy")
    assert own.read_text(encoding="utf-8") == "[[provider]]\nname = 1"
    assert "makes no sense: provider → 0 → name" in refused(capsys, "prices")


def test_an_old_price_is_told_and_not_counted_when_it_is_over_a_year_old(
    tmp_path: Path, capsys: Output
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prices.toml").write_text(
        '[[provider]]\nname = "Once"\nsource = "https://example.org"\nchecked = 2020-01-01\n'
        '[provider.models]\n"old-model" = { prompt = 1, completion = 2 }\n',
        encoding="utf-8",
    )
    found = as_json(capsys, "prices")
    assert (found["prices"][0]["model"], found["prices"][0]["counts"]) == ("old-model", False)
    assert any(
        "Checked over a year ago, and not counted: old-model" in one for one in found["notes"]
    )
    assert main(["prices"]) == 0
    assert "2020-01-01, too old" in capsys.readouterr().out


# --- as a process ----------------------------------------------------------------------------


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "rag", *arguments]


def process_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"}


def test_output_is_utf8_when_the_terminal_is_not(pump: Path, tmp_path: Path) -> None:
    document = tmp_path / "docs" / "știri.txt"
    document.write_text("Uleiul se schimbă.", encoding="utf-8")
    ended = subprocess.run(
        command("documents"), check=True, capture_output=True, env=process_environment()
    )
    assert "știri.txt" in ended.stdout.decode("utf-8")


def test_it_is_quiet_when_the_reader_of_its_output_has_gone(pump: Path, tmp_path: Path) -> None:
    words = " ".join(f"oil{number}" for number in range(20_000))
    (tmp_path / "docs" / "long.txt").write_text(f"oil {words}", encoding="utf-8")
    with subprocess.Popen(
        command("search", "oil", "-k", "500", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=process_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process on Windows")
def test_it_ends_cleanly_when_interrupted(
    pump: Path, capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(), Scripted(deltas=("Every", " hour"), then="stall"))
    with subprocess.Popen(
        command("ask", "When is the oil changed?", "--docs", str(pump.parent)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**process_environment(), "PYTHONUNBUFFERED": "1"},
        # A shell starts what runs in its background with interrupts ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(5) == b"Every"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == b"Stopped."
    assert process.returncode == 130
    assert scripted_server.history[-1].disconnected.wait(10)
    assert as_json(capsys, "ledger")["failed"] == 1


@pytest.mark.model
def test_a_real_model_answers_and_is_gone_when_ask_starts_it(
    pump: Path, request: pytest.FixtureRequest
) -> None:
    data_dir = request.config.cache.mkdir("models").parent  # where other tests keep weights, too
    environment = {
        **process_environment(),
        "RAG_DATA_DIR": str(data_dir),
        "RAG_SLM": "embedded:smollm2-135m",
        "RAG_MAX_TOKENS": "24",
    }
    ended = subprocess.run(
        command("ask", "When is the oil changed?", "--docs", str(pump.parent), "--json"),
        check=True,
        capture_output=True,
        env=environment,
    )
    answer = json.loads(ended.stdout)
    assert (answer["model"], answer["route"]) == ("smollm2-135m", "slm")
    assert 1 <= answer["usage"]["smollm2-135m"]["completion_tokens"] <= 24
    assert answer["usage"]["smollm2-135m"]["estimated"] is False
    assert EmbeddedHome(data_dir).running("smollm2-135m") is None
