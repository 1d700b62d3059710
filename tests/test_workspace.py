"""The rooms put together: real files, a real library, a scripted model over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.documents.ingest import FileFailed, FileRead, SourceFile
from rag.errors import NotFound, SettingsError
from rag.indexing import DiskCopy, MemoryCopy
from rag.measuring.ledger import LEDGER, Ledger
from rag.settings import load
from rag.types import Answered, Failed, Query, Retrieved
from rag.workspace import FileKept, IngestEvent, Workspace

pytestmark = pytest.mark.anyio

Open = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pump.md").write_text("# Pump\n\nChange the oil every 500 hours.", encoding="utf-8")
    return folder


@pytest.fixture
def opened(tmp_path: Path, docs: Path, scripted_server: ScriptedServer) -> Open:
    """A workspace over ``docs``; opened again, it finds what the one before has left."""

    @asynccontextmanager
    async def open_(**settings: object) -> AsyncIterator[Workspace]:
        given = {
            "data_dir": tmp_path / "data",
            "docs_dir": docs,
            "slm": f"{scripted_server.base_url}#small",
            "llm": "none",
            "workers": 1,
            **settings,
        }
        workspace = Workspace(load(**given))
        await workspace.open(warm=False)
        try:
            yield workspace
        finally:
            await workspace.close()

    return open_


def names(workspace: Workspace) -> list[str]:
    return sorted(entry.name for entry in workspace.library.documents())


def found(workspace: Workspace, text: str) -> list[str]:
    return [hit.chunk.document_name for hit in workspace.index.search(Query(text), 5)]


async def ingested(workspace: Workspace, *paths: Path) -> list[IngestEvent]:
    files = [SourceFile(path, path.name) for path in paths]
    kinds = FileRead | FileKept | FileFailed
    return [event async for event in workspace.ingest(files) if isinstance(event, kinds)]


# --- the documents folder ------------------------------------------------------------------


async def test_nothing_is_found_when_the_folder_is_missing(opened: Open, tmp_path: Path) -> None:
    async with opened(docs_dir=tmp_path / "missing") as workspace:
        assert names(workspace) == []
        assert found(workspace, "oil") == []


async def test_its_documents_are_found_when_a_workspace_opens(opened: Open) -> None:
    async with opened() as workspace:
        assert names(workspace) == ["pump.md"]
        assert found(workspace, "oil change") == ["pump.md"]


async def test_the_library_follows_when_the_folder_changed(opened: Open, docs: Path) -> None:
    (docs / "old.txt").write_text("The oil is old.", encoding="utf-8")
    async with opened():
        pass
    (docs / "old.txt").unlink()
    (docs / "pump.md").write_text("Change the filter.", encoding="utf-8")
    (docs / "new.txt").write_text("A new lamp.", encoding="utf-8")
    async with opened() as workspace:
        assert names(workspace) == ["new.txt", "pump.md"]
        assert found(workspace, "oil") == []
        assert found(workspace, "filter") == ["pump.md"]


async def test_the_others_are_read_when_one_file_is_broken(opened: Open, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    async with opened() as workspace:
        assert names(workspace) == ["pump.md"]
        assert [failure.name for failure in workspace.failures] == ["broken.pdf"]


async def test_a_document_stays_away_when_it_was_forgotten(opened: Open, docs: Path) -> None:
    async with opened() as workspace:
        await workspace.forget(workspace.library.documents()[0].id)
        assert (names(workspace), found(workspace, "oil")) == ([], [])
    async with opened() as workspace:
        assert (names(workspace), found(workspace, "oil")) == ([], [])
        await ingested(workspace, docs / "pump.md")
        assert found(workspace, "oil") == ["pump.md"]
    async with opened() as workspace:
        assert names(workspace) == ["pump.md"]


async def test_an_unknown_document_is_refused_when_it_is_to_be_forgotten(opened: Open) -> None:
    async with opened() as workspace:
        with pytest.raises(NotFound):
            await workspace.forget("0" * 64)


# --- ingesting -------------------------------------------------------------------------------


async def test_a_file_is_kept_when_its_bytes_are_there_already(
    opened: Open, tmp_path: Path
) -> None:
    path = tmp_path / "lamp.txt"
    path.write_text("Fill in lamp oil.", encoding="utf-8")
    async with opened() as workspace:
        [first] = await ingested(workspace, path)
        [second] = await ingested(workspace, path)
        assert isinstance(first, FileRead)
        assert second == FileKept("lamp.txt", path, first.document.id)
        assert sorted(found(workspace, "oil")) == ["lamp.txt", "pump.md"]


async def test_one_document_comes_of_it_when_two_files_are_the_same(
    opened: Open, tmp_path: Path
) -> None:
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_text("The same lamp.", encoding="utf-8")
    async with opened() as workspace:
        events = await ingested(workspace, *paths)
        assert [type(event) for event in events] == [FileRead, FileKept]
        assert names(workspace) == ["a.txt", "pump.md"]


async def test_the_older_version_goes_when_a_file_has_changed(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "lamp.txt"
    async with opened() as workspace:
        for text in ("Fill in lamp oil.", "Use a bulb."):
            path.write_text(text, encoding="utf-8")
            await ingested(workspace, path)
        assert names(workspace) == ["lamp.txt", "pump.md"]
        assert found(workspace, "oil") == ["pump.md"]


async def test_nothing_is_kept_when_a_file_is_only_read(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "lamp.txt"
    path.write_text("Fill in lamp oil.", encoding="utf-8")
    async with opened() as workspace:
        events = [event async for event in workspace.read([SourceFile(path, "lamp.txt")])]
        assert isinstance(events[-1], FileRead)
        assert names(workspace) == ["pump.md"]


# --- the index -------------------------------------------------------------------------------


async def test_the_index_moves_to_disk_and_back_when_the_library_grows_and_shrinks(
    opened: Open, tmp_path: Path
) -> None:
    path = tmp_path / "lamp.txt"
    path.write_text("Fill in lamp oil.", encoding="utf-8")
    async with opened(memory_index_chunks=1) as workspace:
        assert isinstance(workspace._copy, MemoryCopy)
        [event] = await ingested(workspace, path)
        assert isinstance(workspace._copy, DiskCopy)
        assert sorted(found(workspace, "oil")) == ["lamp.txt", "pump.md"]
        assert isinstance(event, FileRead)
        await workspace.forget(event.document.id)
        assert isinstance(workspace._copy, MemoryCopy)
        assert found(workspace, "oil") == ["pump.md"]


@pytest.mark.parametrize("memory_index_chunks", [0, 10])
async def test_a_refresh_shows_it_when_another_process_has_changed_the_library(
    opened: Open, tmp_path: Path, memory_index_chunks: int
) -> None:
    path = tmp_path / "lamp.txt"
    path.write_text("Fill in lamp oil.", encoding="utf-8")
    limit = {"memory_index_chunks": memory_index_chunks}
    async with opened(**limit) as page, opened(**limit) as command_line:
        await ingested(command_line, path)
        await page.refresh()
        assert sorted(found(page, "oil")) == ["lamp.txt", "pump.md"]
        await page.forget(next(e.id for e in page.library.documents() if e.name == "pump.md"))
        await command_line.refresh()
        assert found(command_line, "oil") == ["lamp.txt"]


# --- a folder alone --------------------------------------------------------------------------


async def test_the_library_is_untouched_when_a_folder_is_asked_alone(
    opened: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "lamp.txt").write_text("Fill in lamp oil.", encoding="utf-8")
    async with opened() as workspace:
        alone = Workspace.temporary(workspace.settings, folder)
        await alone.open(warm=False)
        home = alone._home
        assert found(alone, "oil") == ["lamp.txt"]
        await alone.close()
        assert not home.exists()
        assert names(workspace) == ["pump.md"]


# --- models ----------------------------------------------------------------------------------


async def test_a_question_is_answered_when_a_model_is_set(
    opened: Open, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(), Scripted(deltas=("Every 500 hours ", "[1].")))
    async with opened() as workspace:
        pipeline = await workspace.pipeline(temperature=0.5)
        asked = pipeline.answer("When is the oil changed?", index=workspace.index)
        events = [event async for event in asked]
    assert any(isinstance(event, Retrieved) for event in events)
    assert isinstance(events[-1], Answered)
    assert events[-1].answer.text == "Every 500 hours [1]."
    assert events[-1].answer.model == "small"
    assert scripted_server.history[-1].body["temperature"] == 0.5


@pytest.mark.parametrize("is_on", [True, False])
async def test_it_is_noted_that_the_draft_was_kept_when_the_ledger_is_on(
    opened: Open, tmp_path: Path, is_on: bool
) -> None:
    async with opened(ledger=is_on) as workspace:
        await workspace.record(Failed("Stopped.", trace_id="4711"), "auto")
        await workspace.record_kept("4711")
    noted = Ledger(tmp_path / "data" / LEDGER).entries()
    assert [(one.trace_id, one.is_kept) for one in noted] == ([("4711", True)] if is_on else [])


async def test_tiers_tell_what_they_are_when_they_have_been_resolved(
    opened: Open, scripted_server: ScriptedServer
) -> None:
    async with opened() as workspace:
        assert [workspace.status(tier).state for tier in ("slm", "llm")] == ["unknown", "unknown"]
        await workspace.pipeline()
        small, large = workspace.status("slm"), workspace.status("llm")
    assert (small.state, small.model, small.is_ready) == ("idle", "small", False)
    assert small.setting == f"{scripted_server.base_url}#small"
    assert (large.state, large.model, large.is_ready) == ("none", "", True)


async def test_the_model_is_shared_when_two_tiers_say_the_same(opened: Open) -> None:
    async with opened() as workspace:
        pipeline = await workspace.pipeline(llm=workspace.settings.slm)
        assert pipeline.slm is pipeline.llm


async def test_the_larger_model_answers_when_there_is_no_small_one(opened: Open) -> None:
    async with opened() as workspace:
        pipeline = await workspace.pipeline(slm="none", llm=workspace.settings.slm)
        assert pipeline.slm.name == "small"


async def test_a_remote_model_is_neither_warmed_nor_asked_when_it_was_not_allowed(
    tmp_path: Path,
) -> None:
    settings = load(
        slm="http://198.51.100.1:9/v1#far",
        llm="none",
        data_dir=tmp_path,
        docs_dir=tmp_path / "none",
    )
    workspace = Workspace(settings)
    await workspace.open()
    await workspace._roster._warming["slm", None]
    pipeline = await workspace.pipeline()
    assert not await pipeline.consent(pipeline.slm)
    assert workspace.status("slm").state == "idle"
    await workspace.close()


async def test_settings_reach_the_pipeline_when_they_say_how_to_go_on(opened: Open) -> None:
    given = {"allow_remote": True, "refine_topics": "dose, allergy ,", "escalation_timeout_s": 7}
    async with opened(**given) as workspace:
        pipeline = await workspace.pipeline()
        assert await pipeline.consent(pipeline.slm)
    assert pipeline.options.refine_topics == ("dose", "allergy")
    assert pipeline.options.escalation_timeout_s == 7


async def test_a_sentence_says_so_when_there_is_no_model(opened: Open) -> None:
    async with opened() as workspace:
        with pytest.raises(SettingsError, match="There is no model"):
            await workspace.pipeline(slm="none")


async def test_nothing_is_opened_when_a_tier_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="names no model"):
        Workspace(load(slm="gpt", data_dir=tmp_path / "data"))
    assert not (tmp_path / "data").exists()


async def test_the_status_says_why_when_a_model_cannot_be_reached(tmp_path: Path) -> None:
    settings = load(
        slm="http://127.0.0.1:9/v1#m", llm="none", data_dir=tmp_path, docs_dir=tmp_path / "none"
    )
    workspace = Workspace(settings)
    await workspace.open()
    await workspace._roster._warming["slm", None]
    status = workspace.status("slm")
    await workspace.close()
    assert (status.state, status.is_ready) == ("failed", True)
    assert "127.0.0.1:9" in status.sentence
