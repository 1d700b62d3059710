"""Homes of models that the tests of several modules ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rag.models.embedded.running import RunningServer
from rag.models.foundry.folder import opened
from rag.models.foundry.home import FoundryHome
from rag.models.foundry.source import of_folder

TINY = Path(__file__).parent.parent / "data" / "tiny-llama-onnx"


@pytest.fixture(scope="module")
async def foundry_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningServer]:
    """Foundry Local's real runtime in a process of its own: ``base_url``, ``api_key``, ``model``.

    The model says nonsense, has a context of 2048 tokens and gives no logprobs.
    """
    home = FoundryHome(tmp_path_factory.mktemp("foundry"))
    yield await home.start(of_folder(opened(TINY)))
    home.close()
