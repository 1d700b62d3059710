"""``doctor``: what it prints, what it refuses, and its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.running import Output, as_json, refused
from scripted_server import Scripted, ScriptedServer

from rag.cli import main


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer) -> None:
    monkeypatch.setenv("RAG_DISCOVERY", "false")
    scripted_server.models[0]["capabilities"] = {"streams": True, "logprobs": False}
    scripted_server.fallback = Scripted(("a ", "b ", "c"), usage=(10, 3))


def read(page: Path) -> str:
    """As it is seen: without what keeps Markdown from meaning anything."""
    return page.read_text(encoding="utf-8").replace("\\", "")


def test_the_line_to_read_on_is_told_when_something_is_wrong(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_SLM", "http://127.0.0.1:9/v1#m")
    found = {one["check"]: one for one in as_json(capsys, "doctor", code=1)}
    assert set(found["slm model"]) == {"check", "state", "message", "fix", "see"}
    assert found["slm model"]["see"] == "docs/troubleshooting.md#nothing-answers"
    assert (found["python"]["state"], found["python"]["see"]) == ("ok", "")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert "         See docs/troubleshooting.md#nothing-answers." in printed


def test_a_report_shows_findings_models_and_speed_when_it_is_asked_for(
    capsys: Output, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    as_json(capsys, "doctor", "--report", str(tmp_path / "here.md"))
    page = read(tmp_path / "here.md")
    for title in (
        "# Is this machine ready to answer?",
        "## What has to be mended?",
        "## Which models are there?",
        "## What does a model take while it runs?",
        "How much memory does a model hold while it loads and answers?",
        "## Speed",
    ):
        assert title in page, title
    assert "docs/troubleshooting.md#" not in page.split("## What is well?")[1]
    # The warm-up, and three requests.
    assert [one.body["max_tokens"] for one in scripted_server.history][-4:] == [48, 48, 48, 48]
    assert list(tmp_path.glob("here-*.svg"))


def test_causes_stand_in_the_report_when_something_is_wrong(
    capsys: Output, scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_SLM", "http://127.0.0.1:9/v1#m")
    asked = len(scripted_server.history)
    as_json(capsys, "doctor", "--report", str(tmp_path / "here.md"), code=1)
    page = read(tmp_path / "here.md")
    assert "The server is off, or the port is another. " in page
    assert "docs/troubleshooting.md#nothing-answers" in page
    assert "The slm model was not measured: " in page
    assert "## Speed" not in page
    assert len(scripted_server.history) == asked


def test_both_models_are_watched_when_that_is_asked_for(
    capsys: Output, scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", f"{scripted_server.base_url}#large")
    as_json(capsys, "doctor", "--both", "--report", str(tmp_path / "here.md"))
    page = read(tmp_path / "here.md")
    assert f"{scripted_server.base_url}#small begins to answer" in page
    assert f"{scripted_server.base_url}#large begins to answer" in page


def test_it_is_refused_when_both_are_wanted_without_a_report(capsys: Output) -> None:
    assert refused(capsys, "doctor", "--both") == (
        "--both belongs to --report: without one no model is watched."
    )


def test_it_is_refused_when_the_report_has_another_ending(capsys: Output, tmp_path: Path) -> None:
    assert "end it in .html" in refused(capsys, "doctor", "--report", str(tmp_path / "a.pdf"))
