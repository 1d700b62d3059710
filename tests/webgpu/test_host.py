"""What the page's routes are given by the chat's process: its workspace and its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rag.errors import TooManyTurns
from rag.settings import Settings
from rag.webgpu.host import ChatHost
from rag.workspace import Workspace

pytestmark = pytest.mark.anyio

SMALL = "qwen2.5-coder-0.5b"


@asynccontextmanager
async def hosted(data_dir: Path) -> AsyncIterator[ChatHost]:
    settings = Settings(
        _env_file=None,
        data_dir=data_dir,
        docs_dir=data_dir / "docs",
        slm=f"embedded:{SMALL}",
        llm="none",
        turns_at_once=1,
        turns_per_minute=1,
    )
    workspace = Workspace(settings)
    await workspace.open(follow=False, warm=False)

    async def opened() -> Workspace:
        return workspace

    try:
        yield ChatHost(settings, opened, lambda: True, lambda: "ann")
    finally:
        await workspace.close()


async def test_a_model_cannot_be_asked_yet_when_it_must_be_downloaded(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        found = await host.tier("slm")

    assert found is not None
    assert not found.is_ready
    assert found.note.startswith(f"{SMALL} is not on this server yet.")


async def test_a_model_can_be_asked_when_it_was_downloaded(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"{SMALL}.gguf").write_bytes(b"GGUF")
    async with hosted(tmp_path) as host:
        found = await host.tier("slm")

    assert found is not None
    assert found.is_ready


async def test_there_is_no_such_tier_when_the_settings_have_none(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        assert await host.tier("llm") is None


async def test_a_person_waits_in_the_chats_own_line_when_they_ask(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        async with await host.turn():
            pass
        with pytest.raises(TooManyTurns):
            async with await host.turn():
                pass
