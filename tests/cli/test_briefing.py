"""`briefing`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.running import Output, as_json, refused
from scripted_server import Scripted, ScriptedServer

from rag.cli import main
from rag.commands import briefing as command
from rag.models.chat import ChatModel
from rag.models.endpoint import EndpointModel

PUMP = "# Pump\n\nChange the oil every 500 hours. The date of the next service is not yet known."


@pytest.fixture
def folder(tmp_path: Path, scripted_server: ScriptedServer) -> Path:
    scripted_server.models[0]["capabilities"] = {"streams": True, "logprobs": False}
    (tmp_path / "machines").mkdir()
    (tmp_path / "machines" / "pump.md").write_text(PUMP, encoding="utf-8")
    (tmp_path / "machines" / "lamp.txt").write_text("Fill in lamp oil with care.", encoding="utf-8")
    return tmp_path / "machines"


def test_every_sentence_has_its_place_when_it_is_json(folder: Path, capsys: Output) -> None:
    found = as_json(capsys, "briefing", str(folder), "--topics", "lamp oil, dinosaurs")
    assert found.keys() == {*("sections", "missing", "unread", "latency_ms", "usage", "cost_usd")}
    assert [section["title"] for section in found["sections"]] == [
        *("Lamp oil", "Dinosaurs", "lamp", "pump")
    ]
    for section in found["sections"]:
        for statement in section["statements"]:
            assert [one["page"] for one in statement["citations"]] == [1]
            assert statement["model"] == "small"
    pump = found["sections"][-1]
    assert "next service is not yet known" in pump["open_points"][0]["text"]
    assert {turn["route"] for turn in pump["turns"]} == {"slm"}
    assert found["sections"][1]["unanswered"] == ["What do the documents say about dinosaurs?"]
    assert found["cost_usd"] == 0.0


def test_it_is_markdown_with_sources_when_a_person_asks(folder: Path, capsys: Output) -> None:
    assert main(["briefing", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Briefing: machines\n")
    headings = [line for line in out.splitlines() if line.startswith("## ")]
    assert headings == ["## In short", "## lamp", "## pump", "## Sources", "## How it was made"]
    assert "1. lamp.txt, page 1: “Fill in lamp oil with care.”" in out


@pytest.mark.parametrize("name", ["briefing.md", "briefing.html"])
def test_a_file_is_written_when_it_is_wanted(folder: Path, capsys: Output, name: str) -> None:
    out = folder.parent / name
    assert main(["briefing", str(folder), "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    text = out.read_text(encoding="utf-8")
    assert "Fill in lamp oil with care." in text
    assert "How it was made" in text


def test_files_that_cannot_be_read_are_told_when_others_can(folder: Path, capsys: Output) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    found = as_json(capsys, "briefing", str(folder))
    assert [one.split(":")[0] for one in found["unread"]] == ["broken.pdf"]


def test_what_is_done_is_kept_when_it_is_stopped(
    folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command.brief

    async def stopped(*arguments: object, **options: object):  # type: ignore[no-untyped-def]
        async for event in whole(*arguments, **options):  # type: ignore[arg-type]
            yield event
            if isinstance(event, command.SectionDone):
                raise KeyboardInterrupt

    monkeypatch.setattr(command, "brief", stopped)
    assert main(["briefing", str(folder), "--json"]) == 130
    found = json.loads(capsys.readouterr().out)
    assert [section["title"] for section in found["sections"]] == ["lamp"]
    assert found["missing"] == ["pump"]


def test_parts_are_asked_when_the_index_is_on_disk(
    folder: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_MEMORY_INDEX_CHUNKS", "0")
    found = as_json(capsys, "briefing", str(folder), "--topics", "lamp oil")
    assert [len(section["turns"]) for section in found["sections"]] == [1, 2, 2]


def test_it_fails_when_no_model_answers(
    folder: Path, capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.fallback = Scripted(status=401, error={"message": "No."})
    found = as_json(capsys, "briefing", str(folder), code=1)
    assert {turn["route"] for section in found["sections"] for turn in section["turns"]} == {
        "failed"
    }


def test_it_is_refused_when_the_request_makes_no_sense(
    folder: Path, tmp_path: Path, capsys: Output
) -> None:
    (tmp_path / "empty").mkdir()
    assert "no document" in refused(capsys, "briefing", str(tmp_path / "empty"))
    assert "fits no document" in refused(capsys, "briefing", str(folder), "--priority", "x*")
    assert "does not exist" in refused(capsys, "briefing", str(tmp_path / "nowhere"))
    assert "end it in .md" in refused(capsys, "briefing", str(folder), "--out", "a.pdf")


def test_turns_are_in_the_ledger_when_it_is_on(folder: Path, capsys: Output) -> None:
    turns = sum(
        len(section["turns"]) for section in as_json(capsys, "briefing", str(folder))["sections"]
    )
    found = as_json(capsys, "ledger")
    assert (found["turns"], found["auto_turns"]) == (turns, 0)


@pytest.mark.anyio
async def test_a_person_is_asked_once_when_a_model_is_elsewhere() -> None:
    asked = []

    async def agree(model: ChatModel) -> bool:
        asked.append(model.name)
        return True

    consent = command.once(agree)
    near = EndpointModel("near", "https://models.example/v1")
    far = EndpointModel("far", "https://models.example/v1")
    assert [await consent(model) for model in (near, far, near)] == [True, True, True]
    assert asked == ["near", "far"]
