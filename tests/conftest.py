"""Fixtures of every room's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_server import ScriptedServer


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_servers_of_this_machine() -> Iterator[None]:
    """What happens to run here, and the keys of whoever runs the tests, decide nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_DISCOVERY", "false")
        for name in ("FOUNDRY_LOCAL_ENDPOINT", "OLLAMA_HOST", "OPENAI_API_KEY"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def _scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    stop = server.start()
    yield server
    stop()


@pytest.fixture
def scripted_server(_scripted_server: ScriptedServer) -> ScriptedServer:
    """A fresh script and history at ``scripted_server.base_url``; see tests/scripted_server.py."""
    _scripted_server.reset()
    return _scripted_server
