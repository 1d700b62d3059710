"""`ask`: its JSON, what a person reads, and what needs a person's consent."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from answering.turns import judged_by_words
from cli.running import Output, as_json
from scripted_server import Scripted, ScriptedServer

from rag.answering import confidence
from rag.cli import main
from rag.commands.asking import consent
from rag.models.endpoint import EndpointModel
from rag.types import Confidence, Reach

ROOT = Path(__file__).parent.parent.parent


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
