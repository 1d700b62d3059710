"""``models`` and ``serve`` with Foundry Local: shapes, sentences, and the real runtime behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import openai
import pytest
from scripted_catalogue import ScriptedCatalogue

from rag.cli import main
from rag.models.foundry import catalogue as module
from rag.models.foundry.source import foundry_folder

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny-llama-onnx"
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RAG_SLM", "none")
    monkeypatch.setenv("RAG_LLM", "none")
    monkeypatch.setenv("RAG_DISCOVERY", "false")


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedCatalogue]:
    """With ``tiny`` in its place already, so that it can be fetched."""
    catalogue = ScriptedCatalogue()
    ScriptedCatalogue.place(TINY, foundry_folder(tmp_path) / "models")
    for name in ("listed", "pull"):
        asked = partial(getattr(module, name), catalogue_url=catalogue.url)
        monkeypatch.setattr(module, name, asked)
    yield catalogue
    catalogue.close()


def as_json(capsys: Output, *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_model_is_fetched_listed_and_removed_when_the_catalogue_has_it(
    catalogue: ScriptedCatalogue, capsys: Output
) -> None:
    pulled = as_json(capsys, "models", "pull", "foundry:tiny")
    assert pulled.keys() == {"pulled", "folder", "seconds"}
    assert pulled["pulled"] == "foundry:tiny"
    fetched = {
        "name": "tiny",
        "variant": "Tiny-cpu:1",
        "device": "cpu",
        "execution_provider": "CPUExecutionProvider",
        "licence": "MIT",
        "size_bytes": 16 * 2**20,
        "downloaded": True,
    }
    assert as_json(capsys, "models")["foundry"] == {"installed": True, "models": [fetched]}
    assert main(["models"]) == 0
    assert "foundry:tiny                     ready, 17 MB; cpu, MIT" in capsys.readouterr().out
    removed = as_json(capsys, "models", "remove", "foundry:tiny")
    assert removed["freed_bytes"] > 16_000_000
    assert as_json(capsys, "models")["foundry"]["models"] == []


def test_sizes_and_licences_are_listed_when_the_catalogue_is_asked(
    catalogue: ScriptedCatalogue, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = as_json(capsys, "models", "foundry")
    assert found.keys() == {"models", "execution_providers", "sentence"}
    far = next(one for one in found["models"] if one["alias"] == "far")
    assert far == {
        "alias": "far",
        "title": "Far",
        "publisher": "Example",
        "licence": "MIT",
        "context_tokens": 2048,
        "variants": [
            {
                "id": "Far-cpu:1",
                "device": "cpu",
                "execution_provider": "CPUExecutionProvider",
                "size_bytes": 3 * 2**20,
                "downloaded": False,
            }
        ],
    }
    monkeypatch.setenv("RAG_FOUNDRY_EP", "gpu")
    assert main(["models", "foundry"]) == 0
    told = capsys.readouterr().out
    assert "not downloaded, 13 MB; gpu (CUDAExecutionProvider), MIT" in told
    assert "not for the gpu, only: cpu; MIT" in told


def test_it_says_what_to_install_when_the_runtime_is_missing(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    assert as_json(capsys, "models")["foundry"] == {"installed": False, "models": []}
    for command in (
        ["models", "foundry"],
        ["models", "pull", "foundry:tiny"],
        ["serve", "foundry:a"],
    ):
        assert main(command) == 2
        assert "pip install -r requirements-foundry.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["models", "pull", "foundry:"], "is not one of"),
        (["models", "pull", "foundry:/a/folder"], "A folder is used where it is"),
        (["models", "remove", "foundry:./folder"], "A folder is used where it is"),
        (["serve", "foundry:./nowhere"], "There is no folder “nowhere”"),
    ],
)
def test_one_sentence_refuses_it_when_the_name_makes_no_sense(
    command: list[str], sentence: str, capsys: Output
) -> None:
    assert main(command) == 2
    output = capsys.readouterr()
    assert (sentence in output.err, output.err.count("\n"), output.out) == (True, 1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
def test_folder_is_served_to_other_programs_when_it_is_named() -> None:
    command = [sys.executable, "-m", "rag", "serve", f"foundry:{TINY}", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        told = json.loads(server.stdout.readline())
        assert told["model"] == "tiny-llama-onnx"
        with openai.OpenAI(base_url=told["base_url"], api_key="none", max_retries=50) as client:
            answer = client.chat.completions.create(
                model="tiny-llama-onnx",
                messages=[{"role": "user", "content": "Hello"}],
                max_tokens=3,
            )
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
