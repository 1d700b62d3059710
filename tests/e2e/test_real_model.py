"""The whole way, nothing made up: a browser, the page, and the smallest embedded model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest
from e2e.driving import READY, App, Tab, make_manual
from scripted_server import ScriptedServer

from rag.models.weights import WEIGHTS, fetch

pytestmark = [pytest.mark.browser, pytest.mark.model]

MODEL = "smollm2-135m"
ENDS_S = 30  # a generous wait for processes to end


@pytest.fixture(scope="module")
def app(
    start_app: Callable[[Mapping[str, str]], App],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> App:
    """The model's file is there, but not yet converted, as after the first download."""
    weights = fetch(WEIGHTS[MODEL], request.config.cache.mkdir("models"), lambda progress: None)
    data = tmp_path_factory.mktemp("data")
    (data / "models").mkdir()
    shutil.copy(weights, data / "models")
    return start_app(
        {
            "RAG_DATA_DIR": str(data),
            "RAG_SLM": f"embedded:{MODEL}",
            "RAG_LLM": "none",
            "RAG_MAX_TOKENS": "200",
        }
    )


def test_a_person_gets_along_when_all_of_it_is_real(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    manual = make_manual(tmp_path / "pump manual.pdf")
    tab = open_tab(app.url)
    page = tab.page

    # The page is there before the model, and says what it waits for; a question asked now is kept.
    page.get_by_text(MODEL).first.wait_for()
    tab.drop(manual)
    tab.ask("How many litres does the pump hold?")
    assert tab.answer.strip()
    assert "pump manual.pdf" in page.locator(".rag-sources").inner_text()

    # The passage opens in its place, and the time adds up.
    page.locator(".rag-source", has_text="pump manual.pdf").first.click()
    page.locator("#side-view-content mark").first.wait_for()
    page.locator("#side-view-content canvas").wait_for()
    page.click(".rag-summary")
    shown = tab.milliseconds()
    assert shown.pop("total") == sum(shown.values())
    assert MODEL in page.locator(".rag-summary").inner_text()

    tab.ask("And how often is it serviced?")

    # A long answer is stopped, and the model is free for the next question.
    tab.type("Tell the whole story of the pump, its coolant and its technician.")
    tab.send()
    page.locator('[data-step-type="retrieval"]').nth(2).wait_for()
    page.click("#stop-button")
    page.get_by_text("Stopped.").wait_for()
    page.wait_for_selector("#chat-submit")

    # Another model takes the next turn.
    tab.choose_model("slm", f"{scripted_server.base_url}#elsewhere")
    tab.ask("How many litres does the pump hold?")
    assert "40 litres" in tab.answer

    page.reload()  # the chat goes on where it stopped
    page.wait_for_selector(READY)
    page.locator(".rag-card").nth(2).wait_for()
    tab.ask("Which files can I drop into the chat?")
    assert ".md" in page.locator(".rag-sources").last.inner_text()


def test_no_process_is_left_when_the_app_is_killed(app: App) -> None:
    children = psutil.Process(app.process.pid).children(recursive=True)
    assert children  # the model's server is one of them
    app.process.kill()
    _, alive = psutil.wait_procs(children, timeout=ENDS_S)
    assert alive == []
