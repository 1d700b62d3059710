"""Canaries in every key: they turn up in nothing the program prints, writes or logs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.cli import main
from rag.settings import Settings, load, variable_of

CANARY = "canary-7d41"
KEYS = [
    variable_of(name, field)
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
]
ADDRESSES = {  # with the password in it
    "RAG_DATABASE_URL": "postgresql://me:{}@127.0.0.1:9/x",
    "RAG_INDEX": "opensearch+https://me:{}@127.0.0.1:9/x",
}
COMMANDS = [
    ["doctor", "--json"],
    ["doctor", "--report", "report.html"],
    ["models", "--json"],
    ["ask", "What does the pump hold?", "--docs", "docs", "--json"],
    ["ask", "What does the pump hold?", "--docs", "docs"],
    ["ledger", "--json"],
    ["bench", "--json"],
]


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> Path:
    """Of a project whose model server wants a key, and repeats it in what it refuses."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.txt").write_text("The pump holds 40 litres.")
    monkeypatch.chdir(tmp_path)
    for number, variable in enumerate(KEYS):
        key = f"{CANARY}-{number}"
        monkeypatch.setenv(variable, ADDRESSES.get(variable, "{}").format(key))
    monkeypatch.delenv("RAG_INDEX")  # or nothing is found without that cluster
    key = f"{CANARY}-server"
    address = scripted_server.base_url.replace("://", f"://{key}@")
    monkeypatch.setenv("RAG_SLM", f"{address}#scripted-model")
    monkeypatch.setenv("RAG_LLM", "none")
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_DISCOVERY", "false")
    monkeypatch.setenv("BENCH_ROUNDS", "1")
    return tmp_path


def refused(request: dict[str, object]) -> Scripted:
    return Scripted(status=400, error={"message": f"Bad key {CANARY}-server"})


def test_there_are_keys_to_look_for_when_settings_have_some() -> None:
    assert "OPENAI_API_KEY" in KEYS
    assert len(KEYS) >= 6


@pytest.mark.parametrize("is_refused", [False, True])
def test_no_key_is_told_when_every_command_has_run(
    folder: Path,
    scripted_server: ScriptedServer,
    is_refused: bool,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    if is_refused:
        scripted_server.fallback = refused
    told = []
    for command in COMMANDS:
        main(command)
        told.append(capsys.readouterr())
    assert any(f"{CANARY}-server" in str(one.headers) for one in scripted_server.history)  # sent
    for command, output in zip(COMMANDS, told, strict=True):
        assert CANARY not in output.out + output.err, command
    assert CANARY not in caplog.text
    for path in folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_no_key_is_told_when_settings_are_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAG_SLM")
    monkeypatch.setenv("RAG_INDEX", ADDRESSES["RAG_INDEX"].format(CANARY))
    settings = load()
    assert CANARY not in f"{settings!r} {settings}"
    assert CANARY not in json.dumps(settings.model_dump(mode="json"))
