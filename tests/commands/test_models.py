"""What ``models`` shows of tiers and of the servers that were found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer

from rag.cli import main
from rag.commands import browser
from rag.models.browser import prepare
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserFile

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RAG_SLM", f"{scripted_server.base_url}#small")
    monkeypatch.setenv("RAG_LLM", "none")


def as_json(capsys: Output, *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_tiers_servers_and_embedded_models_are_told_when_models_are_listed(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.models = [{"id": "small"}, {"id": "gemma3:4b"}]
    told = as_json(capsys, "models")
    assert {"tiers", "servers", "embedded"} <= told.keys()
    assert [one["state"] for one in told["tiers"]] == ["ready", "none"]
    [server] = told["servers"]
    assert (server["address"], server["reach"], server["problem"]) == (
        scripted_server.base_url,
        "machine",
        "",
    )
    assert server["models"][1] == {
        "name": "gemma3:4b",
        "setting": f"{scripted_server.base_url}#gemma3:4b",
        "purpose": "chat",
        "parameters_b": 4.0,
        "size_bytes": None,
        "context_tokens": None,
        "loaded": None,
        "hosted": False,
        "capabilities": None,
    }
    assert server["models"][0]["capabilities"]["streams"] is True


def test_another_machine_is_sent_nothing_when_models_are_listed(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_SLM", "http://sk-own@198.51.100.1:9/v1#far")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-general")
    assert main(["models"]) == 0
    shown = capsys.readouterr().out
    assert "http://198.51.100.1:9/v1: Not asked: it is on another machine." in shown
    assert (
        "OpenAI at https://api.openai.com/v1: A key for OpenAI is in the environment; its models "
        "are asked for only when you allow it. The option --remote asks it."
    ) in shown
    assert "sk-" not in shown


@pytest.mark.parametrize("name", ["smollm2-135m", "foundry:phi-4-mini"])
def test_it_is_told_when_a_model_to_unload_was_not_loaded(capsys: Output, name: str) -> None:
    assert as_json(capsys, "models", "unload", name) == {"unloaded": name, "was_loaded": False}


# --- models for browsers


def test_a_model_is_listed_for_browsers_when_nothing_of_it_is_here(capsys: Output) -> None:
    told = {one["name"]: one for one in as_json(capsys, "models")["browser"]}
    assert told["smollm2-135m-q8"]["needs"] == ["webgpu"]
    assert told["smollm2-135m-q8_0"] == {
        "name": "smollm2-135m-q8_0",
        "title": "SmolLM2-135M-Instruct",
        "engine": "wllama",
        "dtype": "q8_0",
        "needs": [],
        "licence": "Apache-2.0",
        "size_bytes": 144_811_072,
        "memory_bytes": 550_000_000,
        "context_tokens": 2048,
        "prepared": False,
    }


def test_a_models_files_are_made_and_gone_when_a_browser_is_to_have_it(
    capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"GGUF made"

    class Recipe:
        def make(self, _gguf: Path, folder: Path) -> Iterator[tuple[int, int]]:
            (folder / "a.gguf").write_bytes(content)
            yield 1, 1

    file = BrowserFile("a.gguf", len(content), hashlib.sha256(content).hexdigest())
    model = replace(BROWSER_MODELS["smollm2-135m-q8_0"], files=(file,), recipe=Recipe())
    monkeypatch.setattr(browser, "BROWSER_MODELS", {model.name: model})
    monkeypatch.setattr(prepare, "fetch", lambda *_: tmp_path / "source.gguf")
    told = as_json(capsys, "models", "pull", f"browser:{model.name}")
    assert told["pulled"] == "browser:smollm2-135m-q8_0"
    assert (Path(told["folder"]) / "a.gguf").read_bytes() == content
    removed = as_json(capsys, "models", "remove", f"browser:{model.name}")
    assert removed == {"removed": "browser:smollm2-135m-q8_0", "freed_bytes": len(content)}


def test_the_names_are_told_when_no_browser_has_the_model(capsys: Output) -> None:
    assert main(["models", "pull", "browser:other"]) == 2
    assert "browser:smollm2-135m-q8_0" in capsys.readouterr().err
