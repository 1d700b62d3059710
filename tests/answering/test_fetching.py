"""Turns whose larger model has not been fetched yet: nobody waits minutes for an escalation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from answering.turns import Make, answer
from scripted_server import Scripted, ScriptedServer

from rag.answering.pipeline import Pipeline
from rag.models.endpoint import EndpointModel

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("literal_judgement")]

QUESTION = "Which colour is the sky?"
DRAFT = "The sky is 7777 metres blue."  # a number of nobody's: it is escalated
FETCHED_FIRST = (
    "large has to be fetched first, which has begun. Ask the larger model when it is here, or "
    "fetch it with `python -m rag models pull`. So the small model answered."
)


class Absent(EndpointModel):
    """A model whose files have still to come."""

    fetches = 0

    @property
    def is_fetched(self) -> bool:
        return False

    def fetch(self) -> None:
        self.fetches += 1


@pytest.fixture
async def absent(scripted_server: ScriptedServer) -> AsyncIterator[Absent]:
    model = Absent("large", scripted_server.base_url, reach="machine")
    yield model
    await model.aclose()


async def test_the_whole_draft_stands_when_the_larger_model_has_to_be_fetched(
    scripted_server: ScriptedServer, model: Make, absent: Absent
) -> None:
    pipeline = Pipeline(await model("small", best_passages=1), absent)
    scripted_server.script(Scripted(("The sky is 7777 ", "metres blue.")))
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.route, result.text) == ("slm", DRAFT)
    assert result.confidence.verdict == "escalate"
    assert FETCHED_FIRST in result.warnings
    assert absent.fetches == 1
    assert len(scripted_server.history) == 1


async def test_nothing_is_fetched_when_the_draft_is_accepted(model: Make, absent: Absent) -> None:
    pipeline = Pipeline(await model("small", best_passages=1), absent)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert (result.confidence.verdict, result.warnings, absent.fetches) == ("accept", (), 0)


async def test_it_is_waited_for_when_a_person_asks_the_larger_model(
    model: Make, absent: Absent
) -> None:
    result = await answer(Pipeline(await model("small"), absent), QUESTION, mode="llm")
    assert (result.route, result.warnings, absent.fetches) == ("llm", (), 0)
