"""A world of its own for each test: settings, documents, a model that says what it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_server import ScriptedServer


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
