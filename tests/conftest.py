"""Fixtures of every room's tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from scripted_server import ScriptedServer
from servers import engines
from servers.engines import Engine, EngineMissingError

from rag.models.providers import PROVIDERS
from rag.models.weights import WEIGHTS, fetch

settings.register_profile("untimed", deadline=None)  # a busy machine decides nothing
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_servers_of_this_machine() -> Iterator[None]:
    """What happens to run here, and the keys of whoever runs the tests, decide nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_DISCOVERY", "false")
        keys = (one.variable for one in PROVIDERS)
        for name in ("FOUNDRY_LOCAL_ENDPOINT", "OLLAMA_HOST", "AZURE_OPENAI_ENDPOINT", *keys):
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


@pytest.fixture(scope="session")
def start_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Engine]]:
    """Starts a real server by its name; see tests/servers/engines.py. Continuous integration has
    to have it; elsewhere the test is skipped."""
    started: list[Engine] = []

    def start(name: str, context_tokens: int, **options: Any) -> Engine:
        models = request.config.cache.mkdir("models")
        weights = fetch(WEIGHTS[engines.MODEL], models, lambda progress: None)
        try:
            engine = engines.START[name](
                weights, tmp_path_factory.mktemp("engine"), context_tokens, **options
            )
        except EngineMissingError as exc:
            if "CI" in os.environ:
                pytest.fail(f"{exc} .ci/run brings it along.")
            pytest.skip(str(exc))
        started.append(engine)
        return engine

    yield start
    for engine in started:
        engine.stop()
