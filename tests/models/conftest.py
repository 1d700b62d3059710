"""Homes of models that the tests of several modules ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asking import LONG, Connect
from scripted_server import MODEL, ScriptedServer

from rag.models import connection
from rag.models.embedded.running import RunningServer
from rag.models.endpoint import EndpointModel
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


@pytest.fixture
async def connect(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    """Models at a server that tells its abilities, so that no reply is used up by a probe."""
    monkeypatch.setattr(connection, "_BACKOFF_S", 0.01)
    abilities = {"streams": True, "reports_usage": True, "logprobs": True}
    scripted_server.models[0]["capabilities"] = abilities
    made = []

    def connect(name: str = MODEL, **options: object) -> EndpointModel:
        options = {"timeouts": LONG, "reach": "machine", **options}
        made.append(EndpointModel(name, scripted_server.base_url, **options))
        return made[-1]

    yield connect
    for model in made:
        await model.aclose()
