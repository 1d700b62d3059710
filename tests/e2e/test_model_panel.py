"""The panel of models in a real browser: what is found, tested, chosen, added and fetched."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from e2e.driving import App, Tab
from playwright.sync_api import Locator, Page, WebSocket, expect
from scripted_mirror import ScriptedMirror
from scripted_server import ScriptedServer

pytestmark = pytest.mark.browser

QUESTION = "How many litres of water does the fountain hold?"
KEY = "sk-a-key-that-nobody-may-see"
WEIGHTS = b"no model at all" * 100_000
CATALOGUE = """
WEIGHTS = MappingProxyType({{**WEIGHTS, "tiny": Weights(
    name="tiny", title="Tiny", tier=None, licence="MIT", size_bytes={size}, sha256="{sha256}",
    context_tokens=512, best_passages=None, mirrors=(HttpMirror("{url}"),),
)}})
"""


class SlowMirror(ScriptedMirror):
    """Sends the first half, and the rest once ``go_on`` is set."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.go_on = threading.Event()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range") or "bytes=0-"
        start = int(asked.removeprefix("bytes=").partition("-")[0])
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(self.content) - start))
        end = len(self.content) - 1
        request.send_header("Content-Range", f"bytes {start}-{end}/{len(self.content)}")
        request.end_headers()
        half = len(self.content) // 2
        request.wfile.write(self.content[start:half])
        request.wfile.flush()
        self.go_on.wait(60)
        request.wfile.write(self.content[max(start, half) :])


@pytest.fixture(scope="module")
def mirror() -> Iterator[SlowMirror]:
    mirror = SlowMirror(WEIGHTS)
    with mirror.running():
        yield mirror
        mirror.go_on.set()


@pytest.fixture(scope="module")
def app(
    start_app: Callable[..., App],
    _servers: tuple[ScriptedServer, ScriptedServer],
    mirror: SlowMirror,
    tmp_path_factory: pytest.TempPathFactory,
) -> App:
    docs = tmp_path_factory.mktemp("docs")
    (docs / "garden.md").write_text("The fountain in the garden holds 300 litres of water.\n")
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    catalogue = CATALOGUE.format(size=len(WEIGHTS), sha256=digest, url=mirror.url)
    return start_app(
        {"RAG_DOCS_DIR": str(docs), "RAG_SLM": f"{_servers[0].base_url}#small", "RAG_LLM": "none"},
        {"rag/models/catalogue.py": catalogue},
    )


@pytest.fixture
def other(_servers: tuple[ScriptedServer, ScriptedServer]) -> ScriptedServer:
    for server in _servers:
        server.reset()
    _servers[1].models[:] = [
        {"id": "other", "object": "model", "owned_by": "tests"},
        {"id": "nomic-embed-text", "object": "model", "owned_by": "tests"},
    ]
    return _servers[1]


def panel(tab: Tab) -> Locator:
    tab.page.click('a[href="#models"]')
    opened = tab.page.locator(".rag-models")
    opened.get_by_role("button", name="Look again").wait_for()
    return opened


def add(opened: Locator, address: str, key: str = "") -> None:
    opened.get_by_label("Address").fill(address)
    opened.get_by_label("Key, if it needs one").fill(key)
    opened.get_by_role("button", name="Add", exact=True).click()


def heard(page: Page) -> list[str]:
    """All that the page receives: over its socket, and as answers to its requests."""
    told: list[str] = []

    def on_socket(socket: WebSocket) -> None:
        for event in ("framereceived", "framesent"):
            socket.on(event, lambda frame: told.append(str(frame)))  # type: ignore[call-overload]

    page.on("websocket", on_socket)
    page.on(
        "response",
        lambda one: told.append(one.text()) if "json" in str(one.headers) else None,
    )
    return told


def test_an_added_model_answers_when_it_was_tested_and_chosen(
    app: App, other: ScriptedServer, open_tab: Callable[..., Tab]
) -> None:
    other.api_key = KEY
    tab = open_tab(app.url)
    told = heard(tab.page)
    opened = panel(tab)
    expect(opened.locator('[data-tier="slm"]')).to_contain_text("this machine")
    add(opened, other.base_url, KEY)
    row = opened.locator(f'[data-model="{other.base_url}#other"]')
    row.wait_for()
    assert opened.get_by_text("nomic-embed-text").count() == 0  # no model to chat with
    row.get_by_role("button", name="Test: other").click()
    expect(row.locator(".rag-trial")).to_contain_text("first word after")
    expect(row).to_contain_text("counts tokens")

    opened.get_by_label("Choose for: Small model").select_option(f"{other.base_url}#other")
    expect(opened.locator('[data-tier="slm"]')).to_contain_text(
        "It is chosen in the settings. other"
    )
    shown = tab.page.content() + opened.get_by_label("Key, if it needs one").input_value()
    tab.ask(QUESTION)
    assert "300 litres" in tab.answer
    assert other.history[-1].headers["authorization"] == f"Bearer {KEY}"
    tab.page.click("#chat-settings-open-modal")
    tab.page.get_by_role("tab", name="Models").click()
    assert f"{other.base_url}#other" in tab.page.locator("#chat-settings #slm").inner_text()
    tab.page.keyboard.press("Escape")

    kept = tab.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    shown += tab.page.content()
    log = (app.folder / "log.txt").read_text(encoding="utf-8")
    assert [KEY in text for text in (kept, shown, log, *told)] == [False] * (3 + len(told))

    opened = panel(tab)
    opened.get_by_role("button", name="Remove server").click()
    opened.get_by_role("button", name="Remove for good?").click()
    row.wait_for(state="detached")


def test_a_sentence_says_what_is_wrong_when_a_server_cannot_be_used(
    app: App, other: ScriptedServer, open_tab: Callable[..., Tab]
) -> None:
    other.api_key = KEY
    tab = open_tab(app.url)
    opened = panel(tab)
    add(opened, other.base_url, "wrong")
    expect(opened.locator(f'[data-server="{other.base_url}"]')).to_contain_text("wants another key")
    opened.get_by_role("button", name="Remove server").click()
    opened.get_by_role("button", name="Remove for good?").click()
    opened.locator(f'[data-server="{other.base_url}"]').wait_for(state="detached")
    add(opened, "ftp://nowhere")
    expect(opened.locator(".rag-add .rag-problem")).to_be_visible()
    tab.faults.clear()  # the browser reports any answer of 400


def test_progress_is_shown_and_ended_when_a_model_is_fetched(
    app: App, mirror: SlowMirror, other: ScriptedServer, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(app.url)
    opened = panel(tab)
    row = opened.locator('[data-download="embedded:tiny"]')
    expect(row).to_contain_text("MIT")
    row.get_by_role("button", name="Fetch: tiny").click()
    expect(row.locator("progress")).to_be_visible()
    expect(row).to_contain_text("Fetching")
    expect(row).to_contain_text("%")
    row.get_by_role("button", name="Cancel: tiny").click()
    expect(row.locator("progress")).to_have_count(0)
    mirror.go_on.set()
    row.get_by_role("button", name="Fetch: tiny").click()
    expect(row.locator(".rag-note")).to_be_visible()  # all came, and it is no model


def test_the_panel_fits_and_can_be_used_by_keyboard_when_the_screen_is_narrow(
    app: App, other: ScriptedServer, open_tab: Callable[..., Tab]
) -> None:
    tab = open_tab(app.url, viewport={"width": 390, "height": 844}, locale="ro-RO")
    header = tab.page.locator("#header")
    assert header.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert header.get_by_role("link", name="Modele").count() == 1
    tab.page.click('a[href="#models"]')
    opened = tab.page.locator(".rag-models")
    expect(opened).to_contain_text("Caută din nou")
    assert opened.evaluate("one => one.scrollWidth <= one.clientWidth")
    opened.get_by_label("Adresa").focus()
    tab.page.keyboard.type(other.base_url)
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")
    row = opened.locator(f'[data-model="{other.base_url}#other"]')
    row.get_by_role("button", name="Încearcă: other").press("Enter")
    expect(row.locator(".rag-trial")).to_contain_text("primul cuvânt")
    tab.faults[:] = [fault for fault in tab.faults if "DialogTitle" not in fault]  # 0066
    assert tab.page.get_by_role("dialog", name="Modele").count() == 1


def test_a_key_is_taken_out_of_the_settings_when_it_was_typed_there(
    app: App, other: ScriptedServer, open_tab: Callable[..., Tab]
) -> None:
    other.api_key = KEY
    tab = open_tab(app.url)
    tab.choose_model("slm", f"{other.base_url.replace('://', f'://{KEY}@')}#other")
    tab.page.click("#chat-settings-open-modal")
    tab.page.get_by_role("tab", name="Models").click()
    expect(tab.page.locator("#slm_other")).to_have_value(f"{other.base_url}#other")
    tab.page.keyboard.press("Escape")
    tab.ask(QUESTION)
    assert other.history[-1].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in tab.page.content() + (app.folder / "log.txt").read_text(encoding="utf-8")
