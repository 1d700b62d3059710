"""What a person can measure in the page, in a real browser: two models next to each other, a
briefing on documents, and this machine. Two servers that say what they are told to are the models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.driving import NO_PAUSE, App, Tab, says
from playwright.sync_api import Locator, expect
from scripted_server import Scripted, ScriptedServer

from rag.measuring.preferences import PREFERENCES, Preferences

pytestmark = pytest.mark.browser

QUESTION = "How many litres of water does the fountain hold?"
SHORT = "The fountain holds 300 litres of water [1]."
LONG = "The fountain in the garden holds 300 litres of water [1]."
KETTLE = "The kettle in the kitchen is blue [1]."
MADE_UP = "Dragons guard the treasure below every night."


@pytest.fixture(scope="module")
def app(
    start_app: Callable[..., App],
    _servers: tuple[ScriptedServer, ScriptedServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> App:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text("The fountain in the garden holds 300 litres of water.\n")
    (docs / "kitchen.md").write_text("The kettle in the kitchen is blue. It boils in a minute.\n")
    small, large = _servers
    return start_app(
        {
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{small.base_url}#small",
            "RAG_LLM": f"{large.base_url}#large",
            "NO_PROXY": "*",
        },
        NO_PAUSE,
    )


@pytest.fixture
def small(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    _servers[0].reset()
    _servers[0].fallback = says(SHORT)
    return _servers[0]


@pytest.fixture
def large(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    _servers[1].reset()
    _servers[1].fallback = says(LONG)
    return _servers[1]


@pytest.fixture
def tab(
    app: App, open_tab: Callable[..., Tab], small: ScriptedServer, large: ScriptedServer
) -> Tab:
    return open_tab(app.url)


def compared(tab: Tab) -> None:
    tab.ask(QUESTION)
    tab.page.get_by_role("button", name="Compare").click()


def side(tab: Tab, model: str) -> Locator:
    """One of two answers, with its card."""
    return tab.page.locator(".ai-message").filter(has=tab.page.locator(".rag-side", has_text=model))


# --- two models next to each other -------------------------------------------------------


def test_both_answers_stand_next_to_each_other_when_a_turn_is_compared(tab: Tab) -> None:
    compared(tab)
    tab.page.wait_for_selector(".rag-prefer")
    expect(side(tab, "small")).to_contain_text("The fountain holds 300 litres")
    expect(side(tab, "large")).to_contain_text("The fountain in the garden holds 300 litres")
    for model in ("small", "large"):
        card = side(tab, model).locator(".rag-card")
        expect(card.locator(".rag-waterfall")).to_be_visible()
        expect(card).to_contain_text("tokens/s")
        expect(card).to_contain_text(re.compile(r"Confidence\s*\d+%"))
        expect(card).to_contain_text("Cost")
    expect(tab.page.locator(".rag-card")).to_have_count(3)  # the first answer stays
    boxes = [side(tab, model).bounding_box() for model in ("small", "large")]
    assert all(boxes)
    assert len({round(box["y"]) for box in boxes if box}) == 1
    assert len({round(box["x"]) for box in boxes if box}) == 2


def test_the_answers_stand_below_each_other_when_the_page_is_narrow(
    app: App, open_tab: Callable[..., Tab], small: ScriptedServer, large: ScriptedServer
) -> None:
    tab = open_tab(app.url, viewport={"width": 390, "height": 844})
    compared(tab)
    tab.page.wait_for_selector(".rag-prefer")
    boxes = [side(tab, model).bounding_box() for model in ("small", "large")]
    assert len({round(box["x"]) for box in boxes if box}) == 1
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_choice_is_kept_and_reported_when_a_person_makes_it(tab: Tab, app: App) -> None:
    compared(tab)
    choices = tab.page.locator(".rag-prefer")
    choices.get_by_role("button", name="Small model").click()
    expect(choices).to_contain_text("Noted. So far: large 0, small 1, about the same 0.")
    choices.get_by_role("button", name="Large model").click()  # a person may think again
    expect(choices).to_contain_text("Noted. So far: large 1, small 0, about the same 0.")
    [kept] = Preferences(app.folder / "data" / PREFERENCES).all()
    assert kept.winner
    assert (kept.winner.model, kept.winner.mode) == ("large", "llm")


def test_the_other_answer_stands_when_one_model_fails(tab: Tab, large: ScriptedServer) -> None:
    tab.ask(QUESTION)
    large.fallback = Scripted(status=500, error={"message": "Out of order."})
    tab.page.get_by_role("button", name="Compare").click()
    expect(side(tab, "small").locator(".rag-card")).to_be_visible()
    expect(side(tab, "large")).to_contain_text("failed: “Out of order”")
    expect(side(tab, "large")).not_to_contain_text("Stopped.")
    expect(side(tab, "large").locator(".rag-card")).to_have_count(0)
    expect(tab.page.locator("#chat-submit")).to_be_visible()
    expect(tab.page.locator(".rag-prefer")).to_have_count(0)


def test_both_stop_when_a_comparison_is_stopped(
    tab: Tab, small: ScriptedServer, large: ScriptedServer
) -> None:
    tab.ask(QUESTION)
    asked = len(large.history)
    small.fallback = Scripted(("The ", "fountain "), then="stall")
    tab.page.get_by_role("button", name="Compare").click()
    expect(side(tab, "small")).to_contain_text("The fountain")
    expect(side(tab, "large")).to_contain_text("Waits for small")
    tab.page.click("#stop-button")
    expect(side(tab, "small")).to_contain_text("Stopped.")
    expect(side(tab, "large")).to_contain_text("Stopped.")
    assert small.history[-1].disconnected.wait(10)
    assert len(large.history) == asked
    tab.ask(QUESTION + " Again.")  # what was compared is no part of the history
    assert "Stopped" not in small.history[-1].prompt


def test_nothing_is_offered_to_compare_when_there_is_no_larger_model(tab: Tab) -> None:
    tab.choose("Models", "llm", "none")
    tab.ask(QUESTION)
    expect(tab.page.get_by_role("button", name="Why?")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Compare")).to_have_count(0)


# --- a briefing --------------------------------------------------------------------------


def told(request: dict[str, object]) -> Scripted:
    is_kitchen = "kettle" in json.dumps(request["messages"])
    return says(KETTLE if is_kitchen else f"{LONG} {MADE_UP}")


def test_each_sentence_has_its_passage_when_documents_are_briefed_on(
    tab: Tab, small: ScriptedServer
) -> None:
    small.fallback = told
    tab.page.click("#command-Briefing")
    tab.send()
    card = tab.page.locator(".rag-card")
    card.wait_for()
    expect(tab.page.get_by_role("button", name="Briefing on 2 documents")).to_be_visible()
    text = tab.answer
    assert "The fountain in the garden holds 300 litres of water." in text
    assert "The kettle in the kitchen is blue." in text
    assert "Dragons" not in text
    expect(card).to_contain_text("Left out, because no passage backs it: 1 sentence.")
    card.locator(".rag-summary").click()
    stages = tab.milliseconds()
    assert sum(stages.values()) == 2 * stages["total"]
    expect(card).to_contain_text(re.compile(r"small.* tokens read, \d+ written"))
    expect(card).to_contain_text("Cost")
    tab.page.locator('a[href="#passage-2"]').first.click()
    expect(tab.page.locator(".rag-passage mark")).to_have_text("The kettle in the kitchen is blue.")
    with tab.page.expect_download() as download:
        card.get_by_role("button", name="Download as Markdown").click()
    saved = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename == "briefing.md"
    assert saved.startswith("# Briefing")
    assert MADE_UP in saved  # among what was left out


def test_a_briefing_is_on_what_was_dropped_and_tells_of_topics_when_they_are_named(
    tab: Tab, small: ScriptedServer, tmp_path: Path
) -> None:
    small.fallback = told
    note = tmp_path / "note.md"
    note.write_text("The kettle in the kitchen is blue. Its lamp oil costs 12 euros.\n")
    tab.drop(note)
    tab.page.click("#command-Briefing")
    tab.type("kettle")
    tab.send()
    tab.page.wait_for_selector(".rag-card")
    expect(tab.page.get_by_role("button", name="Briefing on note.md")).to_be_visible()
    assert "Kettle" in tab.answer
    assert "garden" not in tab.answer


def test_what_is_done_stays_when_a_briefing_is_stopped(tab: Tab, small: ScriptedServer) -> None:
    def stalls(request: dict[str, object]) -> Scripted:
        return told(request) if "fountain" in json.dumps(request["messages"]) else stalled

    stalled = Scripted(("The ",), then="stall")
    small.fallback = stalls
    tab.page.click("#command-Briefing")
    tab.send()
    tab.page.get_by_role("button", name="Question 3 of 4").wait_for()
    tab.page.click("#stop-button")
    tab.page.wait_for_selector(".rag-card")
    assert "It was stopped before: kitchen." in tab.answer


# --- this machine ------------------------------------------------------------------------


def test_this_machine_is_told_and_no_model_is_asked_when_its_panel_is_opened(
    tab: Tab, large: ScriptedServer
) -> None:
    asked = len(large.history)
    tab.page.click('a[href="#models"]')
    tab.page.click(".rag-to-machine")
    panel = tab.page.locator(".rag-machine")
    expect(panel).to_contain_text("GB of memory available.")
    expect(panel.locator(".rag-finding").first).to_be_visible()
    small_one = panel.locator('[data-model="small"]')
    expect(small_one).to_contain_text(re.compile(r"Memory\s*[\d.]+ (MB|GB)"))
    expect(small_one).to_contain_text("Processors at work")  # after a second look
    assert len(large.history) == asked
    tab.ask(QUESTION)
    expect(small_one).to_contain_text("Tokens/s")
