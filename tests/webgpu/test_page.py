"""The page as a person uses it, in a browser; its engine scripted but where a real one is meant."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Error, FilePayload, Page, expect
from webgpu.model_host import ModelHost, hosting, model_of
from webgpu.page_checks import FAINT, LEVELS, TWICE, UNNAMED
from webgpu.scripted_engine import engine

from rag.models.weights import WEIGHTS as KNOWN
from rag.models.weights import fetch
from webgpu import serving

if TYPE_CHECKING:
    from webgpu.conftest import Watched

pytestmark = pytest.mark.browser

WEIGHTS = b"GGUF and no more"
PUMP = """# Pump

The pump on the upper deck is checked every 14 days.

The filter is changed in March. The oil is changed after 500 hours of work.
"""
QUESTION = "How often is the pump on the upper deck checked?"
ANSWER = "The pump on the upper deck is checked every 14 days."
WORDS = " ".join(f"word{number}" for number in range(500))
SMALL = model_of("small", {"small.gguf": WEIGHTS}, title="Small model", bestPassages=2)
ON_GPU = model_of("on-gpu", {"gpu.gguf": WEIGHTS}, title="Model for a GPU", needs=["webgpu"])
HERE = {"model": "qwen-small", "reach": "machine", "ready": True, "note": ""}
CLOUD = {"model": "qwen-large", "reach": "cloud", "ready": True, "note": ""}

Opened = Callable[..., "Watched"]

expect.set_options(timeout=30_000)  # for slow machines; nothing waits longer than it must


@pytest.fixture
def host() -> Iterator[ModelHost]:
    with hosting(ModelHost()) as host:
        host.headers = json.loads((serving.BUILT / "policy.json").read_text())["headers"]
        host.files["/engine.js"] = engine(small={"answer": ANSWER})
        offer(host, SMALL)
        yield host


def offer(host: ModelHost, *models: dict[str, Any]) -> None:
    host.files["/models.json"] = json.dumps({"models": models}).encode()
    for model in models:
        for file in model["files"]:
            host.files[f"/models/{model['name']}/{file['path']}"] = WEIGHTS


@pytest.fixture
def opened(browser: Browser, host: ModelHost, open_page: Opened) -> Opened:
    """Opens the page, as of a host that its service worker does not stand in for."""

    def open_one(browser: Browser = browser, **context: Any) -> Watched:
        return open_page(browser, host.address, **{"service_workers": "block"} | context)

    return open_one


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened().page


def get_ready(page: Page, title: str = "Small model") -> None:
    page.get_by_role("button", name=f"Download: {title}").click()
    expect(page.locator("#model-state")).to_contain_text("Ready")


def payload(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/markdown", "buffer": text.encode()}


def add_pump(page: Page, name: str = "pump.md", text: str = PUMP) -> None:
    page.set_input_files("#files", [payload(name, text)])
    expect(page.locator("#documents")).to_contain_text(name)


def ask(page: Page, question: str = QUESTION) -> None:
    page.fill("#question", question)
    page.press("#question", "Enter")


def answered(page: Page, count: int = 1) -> Any:
    articles = page.locator(".answer[aria-busy=false]")
    expect(articles).to_have_count(count)
    return articles.last


# --- the flow ----------------------------------------------------------------------------


def test_an_answer_comes_with_its_source_when_a_model_and_a_document_are_there(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)

    answer = answered(page)
    expect(answer.locator(".answer-text")).to_contain_text("checked every 14 days")
    expect(answer.locator(".badge")).to_have_text("here, on the processor")
    expect(answer.locator(".figures")).to_contain_text("first token 500 ms")
    expect(page.locator("#announced")).to_have_text("The answer is complete.")


def test_a_citation_opens_its_passage_with_the_quote_marked_when_it_is_pressed(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)

    answered(page).locator("button.chip").first.click()

    dialog = page.locator("#passage")
    expect(dialog.locator("h2")).to_have_text("pump.md")
    expect(dialog.locator("mark")).to_have_text(ANSWER)
    expect(dialog).to_contain_text("The filter is changed in March.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_what_was_searched_is_told_when_it_is_opened(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)
    answered(page)

    page.get_by_text("Found 1 passage, 1 read by the model").click()

    row = page.locator(".searched tbody tr")
    expect(row).to_contain_text("pump.md, page 1")
    expect(row).to_contain_text("read by the model")
    expect(row).to_contain_text("pump")


def test_writing_stops_when_escape_is_pressed(page: Page, host: ModelHost) -> None:
    host.files["/engine.js"] = engine(small={"answer": WORDS, "pause_ms": 20})
    get_ready(page)
    add_pump(page)
    ask(page)
    expect(page.locator(".answer-text")).to_contain_text("word1 word2")

    page.keyboard.press("Escape")

    answer = answered(page)
    expect(answer).to_contain_text("Stopped.")
    expect(answer.locator(".answer-text")).to_contain_text("word1 word2")  # what was written stays
    expect(page.locator("#send")).to_be_visible()


def test_writing_stops_when_the_model_repeats_itself(page: Page, host: ModelHost) -> None:
    host.files["/engine.js"] = engine(small={"answer": "It is so. " * 500, "pause_ms": 5})
    get_ready(page)
    add_pump(page)
    ask(page)

    answer = answered(page)
    expect(answer).to_contain_text("The model began to repeat itself, so it was stopped.")
    assert answer.locator(".answer-text").inner_text().startswith("It is so.")


def test_the_prompt_is_read_ahead_when_typing_pauses(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    page.evaluate(
        "() => { new BroadcastChannel('prefilled').onmessage = ({ data }) => {"
        " document.body.dataset.ahead = data.at(-1).content; }; }"
    )

    page.type("#question", "How often is the pump")

    expect(page.locator("body")).to_have_attribute(
        "data-ahead", re.compile("checked every 14 days.*How often is the pump", re.DOTALL)
    )


def test_what_a_question_leans_on_goes_along_when_it_was_answered(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)
    answered(page)
    page.evaluate(
        "() => { new BroadcastChannel('prefilled').onmessage = ({ data }) => {"
        " document.body.dataset.ahead = data.map(({ content }) => content).join('|'); }; }"
    )

    page.type("#question", "And when is it changed?")

    expect(page.locator("body")).to_have_attribute(
        "data-ahead",
        re.compile(
            rf"Question: {re.escape(QUESTION)}\|{re.escape(ANSWER)}"
            rf"\|Question: {re.escape(QUESTION)} And when is it changed\?$"
        ),
    )


def test_no_model_is_asked_when_nothing_is_found(page: Page) -> None:
    get_ready(page)
    add_pump(page)

    ask(page, "Zebra giraffe?")

    expect(page.locator(".answer")).to_contain_text("I found nothing about this")
    expect(page.locator(".badge-absent")).to_have_text("Not in your documents")
    expect(page.locator(".figures")).to_have_count(0)


def test_the_nearest_passages_are_offered_when_the_model_says_it_is_not_there(
    page: Page, host: ModelHost
) -> None:
    host.files["/engine.js"] = engine(small={"answer": "Not in the documents."})
    get_ready(page)
    add_pump(page)
    ask(page)

    answer = answered(page)
    expect(answer.locator(".badge-absent")).to_have_text("Not in your documents")
    expect(answer.locator(".sources")).to_contain_text("Nearest passages")
    expect(answer.locator(".source")).to_have_count(1)


@pytest.mark.parametrize(
    ("with_document", "said"),
    [(False, "Add a document or paste a text first"), (True, "Choose a model first")],
)
def test_what_is_missing_is_said_and_the_question_kept_when_it_is_asked_too_early(
    page: Page, with_document: bool, said: str
) -> None:
    if with_document:
        add_pump(page)

    ask(page)

    expect(page.locator("#composer-problem")).to_contain_text(said)
    expect(page.locator("#question")).to_have_value(QUESTION)
    expect(page.locator("#question")).to_be_focused()


# --- models ------------------------------------------------------------------------------


def test_a_model_says_what_it_takes_when_it_is_offered(page: Page) -> None:
    entry = page.locator("#models .model")
    expect(entry).to_contain_text("1 kB · MIT · 1 kB of memory")
    entry.get_by_text("files, SHA-256").click()
    expect(entry.locator("code")).to_have_text(SMALL["files"][0]["sha256"])


def test_a_model_is_loaded_without_a_download_when_it_was_used_before(
    page: Page, host: ModelHost
) -> None:
    get_ready(page)
    fetched = [path for _, path, _ in host.asked if path.startswith("/models/")]

    page.reload()

    expect(page.locator("#model-state")).to_contain_text("Ready")
    assert [path for _, path, _ in host.asked if path.startswith("/models/")] == fetched


def test_the_question_stays_and_documents_go_when_the_page_is_reloaded(page: Page) -> None:
    add_pump(page)
    page.fill("#question", "A question not yet sent")

    page.reload()

    expect(page.locator("#question")).to_have_value("A question not yet sent")
    expect(page.locator("#documents li")).to_have_count(0)
    expect(page.get_by_text("forgotten when it is closed or reloaded")).to_be_visible()


def test_a_model_is_gone_when_it_is_deleted(page: Page) -> None:
    get_ready(page)
    page.get_by_text("Models to choose from").click()

    page.get_by_role("button", name="Delete: Small model").click()

    expect(page.get_by_role("button", name="Download: Small model")).to_be_visible()
    expect(page.locator("#model-state")).to_contain_text("Choose a model.")


def test_a_download_can_be_cancelled_and_gone_on_with_when_it_is_under_way(
    page: Page, host: ModelHost
) -> None:
    content = b"GGUF" + bytes(900_000)
    model = model_of("small", {"small.gguf": content}, title="Small model")
    offer(host, model)
    host.files["/models/small/small.gguf"] = content
    host.pause_after = 200_000
    page.reload()
    page.get_by_role("button", name="Download: Small model").click()
    expect(page.locator("#model-state progress")).to_be_visible()
    expect(page.locator("#model-state")).to_contain_text(re.compile("Downloading: [1-9]"))

    page.locator("#model-state").get_by_role("button", name="Cancel").click()
    host.goes_on.set()
    page.get_by_role("button", name="Go on: Small model").click()

    expect(page.locator("#model-state")).to_contain_text("Ready")


def test_a_model_for_a_gpu_is_not_offered_when_the_browser_gives_none(
    page: Page, host: ModelHost
) -> None:
    offer(host, SMALL, ON_GPU)
    page.reload()

    page.get_by_text("Cannot run here: 1").click()

    expect(page.locator("#models-unfit")).to_contain_text("gives no graphics card to pages")
    expect(page.get_by_role("button", name="Model for a GPU")).to_have_count(0)


# --- documents ---------------------------------------------------------------------------


def test_a_pasted_text_can_be_asked_about_and_removed_when_it_was_added(page: Page) -> None:
    page.get_by_text("Paste text").click()
    page.fill("#pasted", PUMP)
    page.click("#add-pasted")
    expect(page.locator("#documents")).to_contain_text("Pasted text 1")

    page.get_by_role("button", name="Remove Pasted text 1").click()

    expect(page.locator("#documents li")).to_have_count(0)


def test_a_file_that_cannot_be_read_says_why_and_stops_no_other(page: Page) -> None:
    page.set_input_files("#files", [payload("empty.txt", ""), payload("pump.md", PUMP)])

    expect(page.locator("#documents li", has_text="empty.txt")).to_contain_text("The file is empty")
    expect(page.locator("#documents li", has_text="pump.md")).to_contain_text("1 page")


# --- here and there ----------------------------------------------------------------------


def serve_tiers(host: ModelHost, slm: Any = HERE, llm: Any = CLOUD) -> None:
    host.files["/tiers"] = json.dumps({"slm": slm, "llm": llm}).encode()
    words = [{"choices": [{"delta": {"content": word}}]} for word in re.findall(r"\S+\s*", ANSWER)]
    usage = {"prompt_tokens": 90, "completion_tokens": 11}
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}
    host.preparing = [*words, end]


def test_the_server_answers_the_same_question_when_it_is_chosen(
    page: Page, host: ModelHost
) -> None:
    serve_tiers(host)
    page.reload()
    add_pump(page)
    page.select_option("#place", "slm")
    expect(page.locator("#composer-note")).to_contain_text("go to the server on this machine")

    ask(page)

    answer = answered(page)
    expect(answer.locator("h3")).to_have_text("qwen-small")
    expect(answer.locator(".badge")).to_have_text("on the server, small")
    expect(answer.locator("button.chip")).to_have_count(1)
    expect(answer.locator(".figures")).to_contain_text("90 tokens read")
    assert ("POST", "/answer", "") in host.asked


def test_nothing_is_sent_when_the_person_keeps_it_here(page: Page, host: ModelHost) -> None:
    serve_tiers(host)
    page.reload()
    add_pump(page)
    page.select_option("#place", "llm")
    ask(page)
    expect(page.locator("#consent")).to_contain_text("qwen-large runs in the cloud.")

    page.get_by_role("button", name="Keep it here").click()

    expect(page.locator("#question")).to_have_value(QUESTION)
    expect(page.locator(".answer")).to_have_count(0)
    assert not any(method == "POST" for method, _, _ in host.asked)


def test_answers_stand_side_by_side_when_all_are_asked(page: Page, host: ModelHost) -> None:
    serve_tiers(host)
    page.reload()
    get_ready(page)
    add_pump(page)
    page.select_option("#place", "all")
    ask(page)

    page.get_by_role("button", name="Send, until this page is reloaded").click()

    answered(page, 3)
    expect(page.locator(".side-by-side h3")).to_have_text(
        ["Small model, q8_0", "qwen-small", "qwen-large"]
    )


def test_only_this_browser_can_be_asked_when_there_is_no_server(page: Page) -> None:
    get_ready(page)
    expect(page.locator("#composer-note")).to_contain_text("No server of ours answers here")
    expect(page.locator("#place option:not([disabled])")).to_have_text(["This browser"])
    expect(page.locator("#to-chat")).to_be_hidden()


def test_the_servers_reason_is_told_when_it_breaks_off(page: Page, host: ModelHost) -> None:
    serve_tiers(host)
    host.preparing = [{"error": {"message": "The model is still being fetched."}}]
    page.reload()
    add_pump(page)
    page.select_option("#place", "slm")
    ask(page)

    expect(answered(page).locator(".problem")).to_contain_text("The model is still being fetched.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


# --- what goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({"fails": "context-full"}, "do not fit into this model"),
        ({"fails": "out-of-memory"}, "not enough memory"),
        ({"dies": True}, "The model's worker has ended."),
        ({"fails": "failed"}, "stopped with an error of its own"),
    ],
)
def test_a_failure_says_what_to_do_and_keeps_everything_when_the_engine_has_one(
    page: Page, host: ModelHost, script: dict[str, Any], said: str
) -> None:
    host.files["/engine.js"] = engine(small={"answer": "Half an answer", **script})
    get_ready(page)
    add_pump(page)
    ask(page)

    answer = answered(page)
    expect(answer.locator(".problem")).to_contain_text(said)
    expect(answer.locator(".answer-text")).to_contain_text("Half an answer")
    expect(page.locator(".question")).to_have_text(QUESTION)
    expect(page.locator("#documents")).to_contain_text("pump.md")


def test_it_goes_on_on_the_processor_when_the_gpu_is_lost(
    gpu_browser: Browser, host: ModelHost, opened: Opened
) -> None:
    offer(host, ON_GPU, SMALL)
    host.files["/engine.js"] = engine(
        on_gpu={"answer": "Half an", "fails": "adapter-lost"}, small={"answer": ANSWER}
    )
    page = opened(gpu_browser).page
    get_ready(page, "Model for a GPU")
    add_pump(page)
    ask(page)
    expect(answered(page).locator(".problem")).to_contain_text("The graphics card went away")

    answered(page).get_by_role("button", name="Go on on the processor").click()

    answer = answered(page, 2)
    expect(answer.locator("h3")).to_have_text("Small model, q8_0")
    expect(answer.locator(".answer-text")).to_contain_text("every 14 days")


def test_an_engine_that_fell_back_is_shown_as_the_processor(
    gpu_browser: Browser, host: ModelHost, opened: Opened
) -> None:
    offer(host, ON_GPU)
    host.files["/engine.js"] = engine(on_gpu={"answer": ANSWER, "dispatches": 0, "backend": "wasm"})
    page = opened(gpu_browser).page
    get_ready(page, "Model for a GPU")
    expect(page.locator("#machine")).to_contain_text("It is to run on the graphics card.")
    add_pump(page)
    ask(page)

    expect(answered(page).locator(".badge")).to_have_text("here, on the processor")
    expect(page.locator("#machine")).to_contain_text("The last answer ran on the processor.")
    expect(page.locator("#machine")).to_contain_text("0 dispatches")


def test_a_model_is_refused_when_its_file_is_another(page: Page, host: ModelHost) -> None:
    host.files["/models/small/small.gguf"] = b"GGUF but no less"
    page.get_by_role("button", name="Download: Small model").click()

    expect(page.locator("#model-state .problem")).to_contain_text("its SHA-256 differs")
    host.files["/models/small/small.gguf"] = WEIGHTS
    page.locator("#model-state").get_by_role("button", name="Try again").click()
    expect(page.locator("#model-state")).to_contain_text("Ready")


def test_a_download_goes_on_when_there_is_room_again(page: Page, host: ModelHost) -> None:
    quota = page.context.new_cdp_session(page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": host.address, "quotaSize": 1})
    page.get_by_role("button", name="Download: Small model").click()
    expect(page.locator("#model-state .problem")).to_contain_text("no room left for the model")

    quota.send("Storage.overrideQuotaForOrigin", {"origin": host.address})
    page.locator("#model-state").get_by_role("button", name="Try again").click()

    expect(page.locator("#model-state")).to_contain_text("Ready")


def test_an_update_is_offered_and_taken_when_there_is_one(
    browser: Browser, host: ModelHost, open_page: Opened
) -> None:
    page = open_page(browser, host.address).page
    expect(page.locator("#privacy")).to_contain_text("opens without a network")
    worker = (serving.BUILT / "service-worker.js").read_bytes()
    host.files["/service-worker.js"] = worker + b"// A newer build."

    page.reload()

    expect(page.locator("#banner")).to_contain_text("A newer version of this page is here.")
    page.get_by_role("button", name="Reload to use it").click()

    while not is_taken(page):
        page.wait_for_timeout(50)
    expect(page.locator("#banner")).to_be_hidden()


def is_taken(page: Page) -> bool:
    """Whether no newer service worker waits any more."""
    try:
        script = "async () => !(await navigator.serviceWorker.getRegistration()).waiting"
        return bool(page.evaluate(script))
    except Error:  # it is being loaded again
        return False


def test_one_thread_is_explained_when_the_host_isolates_nothing(
    page: Page, host: ModelHost
) -> None:
    host.headers = {}
    page.reload()
    expect(page.locator("#machine")).to_contain_text("WebAssembly runs on one thread here")
    expect(page.locator("#machine")).to_contain_text("gives no graphics card to pages")


# --- figures -----------------------------------------------------------------------------


def test_each_answer_is_a_point_and_a_row_when_it_is_complete(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    for count in (1, 2):
        ask(page)
        answered(page, count)

    expect(page.locator("#plots canvas")).to_have_count(3)
    expect(page.locator("#legend")).to_have_text("Small model, q8_0 · wasm")
    page.get_by_text("As a table").click()
    expect(page.locator("#turns tbody tr")).to_have_count(2)
    with page.expect_download() as saved:
        page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert [row["model"] for row in rows] == ["Small model, q8_0"] * 2
    assert [
        rows[0][name] for name in ("first_token_ms", "prefill_tokens_per_s", "tokens_per_s")
    ] == [
        "500",
        "200",
        "100",
    ]
    with page.expect_download() as saved:
        page.click("#png")
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")


def test_the_history_stays_until_it_is_cleared(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)
    answered(page)
    page.reload()
    expect(page.locator("#plots canvas")).to_have_count(3)

    page.click("#clear-history")

    expect(page.locator("#chart-none")).to_be_visible()
    page.reload()
    expect(page.locator("#chart-none")).to_be_visible()


def test_this_machine_is_told_as_text_when_it_was_measured(page: Page) -> None:
    get_ready(page)
    page.click("#measure")

    expect(page.locator("#measure-status")).to_contain_text("Done.")
    text = page.locator("#measured").inner_text()
    assert "model: small, q8_0, wllama" in text
    assert "adapter: none" in text
    assert "@wllama/wllama" in text
    assert len(re.findall(r"^ +[123]  +wasm  +500  +100  +200\.0  ", text, re.MULTILINE)) == 3


# --- for everybody -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_scrolls_sideways_when_the_page_is_narrow(
    opened: Opened, host: ModelHost, width: int
) -> None:
    serve_tiers(host)
    page = opened(viewport={"width": width, "height": 800}).page
    get_ready(page)
    add_pump(page, f"{'long-name-' * 12}.md", PUMP + "word" * 200)
    ask(page)
    answered(page)
    page.get_by_text("As a table").click()
    page.locator(".searched summary").click()

    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_named_and_legible_when_the_page_is_full(
    opened: Opened, host: ModelHost, scheme: str
) -> None:
    serve_tiers(host)
    offer(host, SMALL, ON_GPU)
    page = opened(color_scheme=scheme).page
    get_ready(page)
    add_pump(page)
    ask(page)
    answered(page)
    for name in (
        "As a table",
        "Models to choose from",
        "Cannot run here: 1",
        "Paste text",
        "Found 1",
    ):
        page.get_by_text(name).click()

    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(TWICE) == []
    assert page.evaluate(FAINT) == []
    levels = page.evaluate(LEVELS)
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_question_is_reached_first_when_the_skip_link_is_used(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()


def test_the_page_speaks_romanian_when_the_browser_does(opened: Opened) -> None:
    page = opened(locale="ro-RO").page
    expect(page).to_have_title("Edge RAG Chat în acest browser")
    expect(page.locator("#title-documents")).to_contain_text("Documente")
    assert page.evaluate("() => document.documentElement.lang") == "ro"


def test_nothing_is_lost_when_the_language_is_switched(page: Page) -> None:
    get_ready(page)
    add_pump(page)
    ask(page)
    answered(page)

    page.click("#language")

    expect(page.locator(".answer .badge")).to_have_text("aici, pe procesor")
    expect(page.locator("#documents")).to_contain_text("1 pagină")
    expect(page.locator("#place option").first).to_have_text("Acest browser")
    page.reload()
    expect(page.locator("#title-model")).to_contain_text("Model")
    expect(page.locator("#send")).to_have_text("Trimite")


def test_the_theme_is_the_chats_when_the_chat_was_given_one(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.className") == ""
    page.evaluate("() => localStorage.setItem('vite-ui-theme', 'dark')")
    page.reload()
    expect(page.locator("html")).to_have_class("dark")
    page.click("#theme")
    expect(page.locator("html")).to_have_class("")


def test_no_other_machine_is_asked_and_nothing_fails_when_the_page_is_used(
    opened: Opened, host: ModelHost
) -> None:
    serve_tiers(host)
    watched = opened(service_workers="allow")
    get_ready(watched.page)
    add_pump(watched.page)
    ask(watched.page)
    answered(watched.page)

    foreign = [
        one for one in watched.requests if not one.startswith((host.address, "blob:", "data:"))
    ]
    assert foreign == []
    assert watched.faults == []
    expect(watched.page.locator("#privacy")).to_contain_text("None refused.")
    expect(watched.page.locator("#privacy")).to_contain_text("for models1")


def test_the_page_works_when_it_stands_in_a_folder(
    browser: Browser, serve: Callable[..., str], open_page: Opened, tmp_path: Path
) -> None:
    (tmp_path / "models.json").write_text(json.dumps({"models": [SMALL]}))
    (tmp_path / "small.gguf").write_bytes(WEIGHTS)
    address = serve(
        {
            "/a/b/": serving.BUILT,
            "/a/b/models.json": tmp_path / "models.json",
            "/a/b/models/small/": tmp_path,
        }
    )
    watched = open_page(browser, f"{address}/a/b/", service_workers="block")

    watched.page.get_by_role("button", name="Download: Small model").click()
    # The file is no model: that it is read at all shows that every part was found.
    expect(watched.page.locator("#model-state .problem")).to_contain_text("cannot be read")
    assert not [
        one for one in watched.requests if "/a/b/" not in one and not one.startswith("blob:")
    ]


def test_a_first_visit_moves_less_than_a_megabyte_apart_from_engines(
    opened: Opened, host: ModelHost
) -> None:
    page = opened(service_workers="allow").page
    expect(page.locator("#privacy")).to_contain_text("opens without a network")

    paths = [path for _, path, _ in host.asked if not path.startswith(("/models/", "/engines/"))]
    files = [serving.BUILT / ("index.html" if path == "/" else path.strip("/")) for path in paths]
    assert sum(file.stat().st_size for file in files if file.is_file()) < 1_000_000


# --- a real model ------------------------------------------------------------------------


@pytest.mark.model
def test_a_real_model_answers_stops_and_answers_again_when_the_network_is_gone(
    browser: Browser, host: ModelHost, open_page: Opened, request: pytest.FixtureRequest
) -> None:
    weights = fetch(KNOWN["smollm2-135m"], request.config.cache.mkdir("models"), lambda _: None)
    content = weights.read_bytes()
    model = model_of("smollm2", {"smollm2.gguf": content}, title="SmolLM2", bestPassages=1)
    offer(host, model)
    host.files["/models/smollm2/smollm2.gguf"] = content
    del host.files["/engine.js"]
    watched = open_page(browser, host.address)
    page = watched.page
    slow = 240_000

    page.get_by_role("button", name="Download: SmolLM2").click()
    expect(page.locator("#model-state")).to_contain_text("Ready", timeout=slow)
    add_pump(page)
    ask(page)
    expect(page.locator(".figures")).to_contain_text("tokens/s", timeout=slow)
    expect(page.locator(".answer-text")).to_contain_text(re.compile("14 days"))
    page.locator("button.chip").first.click()
    expect(page.locator("#passage mark").first).to_contain_text("14 days")
    page.keyboard.press("Escape")

    ask(page, "When is the filter changed, and when the oil?")
    expect(page.locator(".answer-text").nth(1)).to_have_text(re.compile(r"\w"), timeout=slow)
    page.click("#stop")
    expect(page.locator("#send")).to_be_visible()

    host.asked.clear()
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#model-state")).to_contain_text("Ready", timeout=slow)
    add_pump(page)
    ask(page)
    expect(page.locator(".answer-text")).to_contain_text(re.compile("14 days"), timeout=slow)
    # The browser itself looks whether there is a newer one, past the network that was taken away.
    assert {path for _, path, _ in host.asked} <= {"/service-worker.js"}
    # No server of ours answers there, which the browser notes by itself.
    assert [one for one in watched.faults if "Failed to load resource" not in one] == []


# --- the words ---------------------------------------------------------------------------


def table(language: str) -> dict[str, str]:
    source = (serving.ROOT / "webgpu/src/page/words" / f"{language}.ts").read_text("utf-8")
    return dict(re.findall(r'^  (\w+):\s*"((?:[^"\\]|\\.)*)",$', source, re.MULTILINE))


def test_romanian_has_every_sentence_and_value_of_english() -> None:
    english, romanian = table("english"), table("romanian")
    assert len(english) > 150
    assert english.keys() == romanian.keys()
    for key, sentence in english.items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", romanian[key]))


def test_every_error_has_its_sentence() -> None:
    sources = [
        (serving.ROOT / "webgpu/src" / room / "errors.ts").read_text("utf-8")
        for room in ("engine", "models", "documents")
    ]
    codes = {code for source in sources for code in re.findall(r'^  \| "([\w-]+)"', source, re.M)}
    codes -= {"bad-list"}  # told where the list would be
    assert len(codes) > 20
    assert {f"problem_{code.replace('-', '_')}" for code in codes} <= table("english").keys()


def test_every_marked_word_of_the_page_is_in_the_table() -> None:
    source = (serving.ROOT / "webgpu/static/index.html").read_text("utf-8")
    marked = dict(re.findall(r'data-say="(\w+)"[^>]*>([^<]*)<', source))
    english = table("english")
    assert marked.keys() <= english.keys()
    assert {key: english[key] for key in marked} == marked
    assert set(re.findall(r'data-say-\w+="(\w+)"', source)) <= english.keys()
