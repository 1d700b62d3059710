"""Models of the scripted server, for whole turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from answering.turns import Make, judged_by_words
from scripted_server import MODEL, ScriptedServer

from rag.answering import confidence
from rag.models.endpoint import EndpointModel
from rag.types import Confidence


@pytest.fixture
async def model(scripted_server: ScriptedServer) -> AsyncIterator[Make]:
    """Makes models that have been probed already, so that the script is used by turns alone."""
    made: list[EndpointModel] = []

    async def make(name: str = MODEL, **options: Any) -> EndpointModel:
        options = {"reach": "machine", **options}
        made.append(EndpointModel(name, scripted_server.base_url, **options))
        await made[-1].ready()
        scripted_server.history.clear()
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


@pytest.fixture
def literal_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts that tests can read off the drafts: what modes do with them is the matter."""
    found = Confidence(0.9, "accept", {}, ())
    monkeypatch.setattr(confidence, "judge", judged_by_words)
    monkeypatch.setattr(confidence, "before", lambda search: found)
