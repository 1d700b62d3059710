"""The program is told to end while it answers: what was begun is ended, and nothing is begun."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from e2e.driving import App, Tab
from scripted_server import Scripted, ScriptedServer

pytestmark = pytest.mark.browser

SLOW = Scripted(tuple(f"word{number} " for number in range(40)), delay_s=0.1)


@pytest.fixture
def small(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    return _servers[0]


def test_an_answer_under_way_is_ended_when_the_program_is_told_to(
    small: ScriptedServer, start_app: Callable[..., App], open_tab: Callable[..., Tab]
) -> None:
    app = start_app(
        {"RAG_SLM": f"{small.base_url}#small", "RAG_LLM": "none", "RAG_MODE": "slm",
         "RAG_SHUTDOWN_S": "60"}
    )  # fmt: skip
    tab, other = open_tab(app.url), open_tab(app.url)
    small.fallback = SLOW
    tab.type("What does doctor check?")
    tab.send()
    tab.page.get_by_text("word1 ").wait_for()
    app.process.send_signal(signal.SIGTERM)
    other.type("And what is BM25?")
    other.send()
    other.page.get_by_text("being ended or restarted").wait_for()
    tab.page.locator(".rag-card").wait_for()
    assert "word39" in tab.page.locator(".ai-message").last.inner_text()
    assert app.process.wait(60) == 0
    for each in (tab, other):  # to a server that has gone
        each.faults.clear()
