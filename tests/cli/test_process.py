"""`python -m rag` as a process: encodings, pipes, Ctrl-C, a real model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from cli.running import Output, as_json
from scripted_server import Scripted, ScriptedServer

from rag.models.embedded.home import EmbeddedHome

ROOT = Path(__file__).parent.parent.parent


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
