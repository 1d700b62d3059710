from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from rag.machine import State, _unmet, machine
from rag.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    return load(
        data_dir=tmp_path / "data",
        docs_dir=tmp_path / "docs",
        slm="none",
        llm="none",
        discovery=False,
    )


def with_(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


def state(settings: Settings, check: str) -> State:
    [finding] = [one for one in machine(settings) if one.check == check]
    assert bool(finding.fix) == (finding.state != "ok")
    return finding.state


def test_each_check_is_made_once_when_a_machine_is_examined(settings: Settings) -> None:
    checks = [finding.check for finding in machine(settings)]
    assert checks == [
        *("python", "packages", "libraries", "settings", "data folder", "disk", "memory"),
        *("documents folder", "tokenizer", "port"),
    ]


def test_packages_are_named_when_they_are_missing_or_of_another_version(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text(
        "--only-binary :all:\n\n# comment\nclick==0.1\nno-such-package==1.0\n"
        "not-here==1 ; sys_platform == 'none'\n"
    )
    wrong = _unmet(pins)
    assert set(wrong) == {"click", "no-such-package"}
    assert wrong["no-such-package"] is None
    assert _unmet(tmp_path / "missing.txt") == {}


def test_a_setting_is_pointed_out_when_it_is_misspelt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state(settings, "settings") == "ok"
    monkeypatch.setenv("RAG_TOPK", "3")
    assert state(settings, "settings") == "warning"


def test_it_is_a_problem_when_nothing_can_be_written(settings: Settings, tmp_path: Path) -> None:
    assert state(settings, "data folder") == "ok"
    file = tmp_path / "file"
    file.touch()
    assert state(with_(settings, data_dir=file / "data"), "data folder") == "problem"


def test_it_is_a_warning_when_the_documents_folder_is_missing(
    settings: Settings, tmp_path: Path
) -> None:
    assert state(settings, "documents folder") == "ok"
    assert state(with_(settings, docs_dir=tmp_path / "none"), "documents folder") == "warning"


def test_it_is_a_warning_when_the_port_is_taken(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert state(with_(settings, port=port), "port") == "warning"
    assert state(with_(settings, port=port), "port") == "ok"
