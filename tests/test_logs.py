"""What a process logs of its turns: each line whole, with its trace id, and with nobody's words."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator

import pytest
from answering.turns import LIBRARY, SKY
from scripted_server import Scripted, ScriptedServer

from rag import logs
from rag.answering.pipeline import Pipeline
from rag.models.endpoint import EndpointModel
from rag.tracing import trace_id
from rag.types import Answered, Failed

QUESTION = "Which colour is the sky, my dear Amaryllis?"
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)
    trace_id.set("")


def lines(capsys: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.anyio
async def test_figures_and_no_words_are_logged_when_a_turn_ends(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    logs.configure("json", "info")
    scripted_server.fallback = Scripted(("The sky is blue by day.",), usage=(60, 7))
    model = EndpointModel("small", scripted_server.base_url, reach="machine")
    events = [event async for event in Pipeline(model).answer(QUESTION, index=LIBRARY, mode="slm")]
    await model.aclose()
    assert isinstance(events[-1], Answered)
    logging.getLogger("rag.somewhere").warning("inside")
    logs.turn_ended(events[-1].answer, "slm")
    inside, ended = lines(capsys)
    assert inside["trace_id"] == ended["trace_id"] == events[-1].answer.trace_id
    assert (ended["logger"], ended["level"], ended["route"]) == ("rag.turns", "INFO", "slm")
    assert (ended["mode"], ended["models"]) == ("slm", ["small"])
    assert (ended["prompt_tokens"], ended["completion_tokens"], ended["errors"]) == (60, 7, [])
    told = json.dumps([inside, ended])
    assert not [word for word in ("Amaryllis", "blue", SKY.text, SKY.document_name) if word in told]


def test_a_warning_of_python_is_a_line_like_others_when_the_format_is_json(capsys: Output) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("json", "warning")
        warnings.warn("This is old.", DeprecationWarning, stacklevel=1)
    [line] = lines(capsys)
    assert line["logger"] == "py.warnings"
    assert "This is old." in str(line["message"])


def test_errors_are_named_when_a_turn_fails(capsys: Output) -> None:
    logs.configure("json", "info")
    logs.turn_ended(Failed("The server said: Amaryllis.", errors=("ModelUnavailable",)), "auto")
    [ended] = lines(capsys)
    assert (ended["outcome"], ended["errors"]) == ("failed", ["ModelUnavailable"])
    assert (ended["route"], ended["confidence"]) == (None, None)
    assert "Amaryllis" not in json.dumps(ended)


def test_a_stack_stays_one_line_when_the_format_is_json(capsys: Output) -> None:
    logs.configure("json", "warning")
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("rag.page").exception("a turn broke")
    [line] = lines(capsys)
    assert "ValueError: odd" in str(line["exc_info"])


def test_no_line_is_written_for_a_turn_when_only_warnings_are_wanted(capsys: Output) -> None:
    logs.configure("text", "warning")
    logs.turn_ended(Failed("Too slow."), "auto")
    assert capsys.readouterr().err == ""


def test_a_library_that_logs_addresses_is_silent_when_every_turn_is_logged(capsys: Output) -> None:
    logs.configure("text", "info")
    logging.getLogger("httpx").info("POST http://127.0.0.1/v1?q=Amaryllis")
    assert capsys.readouterr().err == ""
