"""The page without its server, on a host without headers, and what it asks of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from webgpu.model_host import ModelHost, hosting, model_of
from webgpu.running import TINY as TINY_LLAMA
from webgpu.running import TINY_FILES

from webgpu import serving

pytestmark = pytest.mark.browser

CONTENT = random.Random(6).randbytes(300_000)
TINY = model_of("tiny", {"weights.gguf": CONTENT})
FOREIGN = "https://example.org/?question"

START = """async () => {
  const { startOffline } = await import("/parts.js");
  window.updates = 0;
  await startOffline({ onUpdate: () => { window.updates += 1; }, mayReload: () => false });
  while (!navigator.serviceWorker.controller) await new Promise((done) => setTimeout(done, 20));
}"""
COUNT = """async () => {
  const { watchRequests } = await import("/parts.js");
  watchRequests((counts) => { window.counts = counts; });
}"""
DOWNLOAD = """async (model) => {
  const { BrowserStore } = await import("/parts.js");
  const store = new BrowserStore();
  return store.download(model, () => {}, new AbortController().signal).then(
    () => "done", (error) => `${error.code} ${error.detail}`);
}"""
KEPT = """async () => {
  const cache = await caches.open("webgpu-page");
  return (await cache.keys()).map(({ url }) => new URL(url).pathname.slice(1));
}"""
# What the page does with an engine's worker (engine/messages.ts), without the page.
ANSWER = """(model) => new Promise((resolve, reject) => {
  const worker = new Worker("engine.js", { type: "module" });
  const messages = [{ role: "user", content: "Hello" }];
  worker.onmessage = ({ data: { id, kind, value, message } }) => {
    if (kind === "failed") reject(new Error(message));
    if (kind === "done" && id === 1) {
      const options = { maxTokens: 4, temperature: 0 };
      worker.postMessage({ id: 2, verb: "generate", messages, options });
    }
    if (kind === "done" && id === 2) resolve(value);
  };
  worker.postMessage({ id: 1, verb: "load", model });
})"""
ASK = "(url) => fetch(url).then((answer) => answer.status, (error) => error.name)"


def wait_until(page: Page, condition: str) -> None:
    """`condition` is an asynchronous function; Playwright's own waiting would not await it."""
    frame = "await new Promise(requestAnimationFrame)"
    page.evaluate(f"async () => {{ while (!(await ({condition})())) {frame}; }}")


def go_offline(page: Page, host: ModelHost) -> None:
    """The server is gone, too: what a service worker asks is not held back by the browser."""
    page.context.set_offline(True)
    host.is_down = True


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built page, in a folder that a test may change; its first file asks for nothing more."""
    folder = tmp_path / "webgpu"
    shutil.copytree(serving.BUILT, folder)
    monkeypatch.setattr(serving, "BUILT", folder)
    return folder


@pytest.fixture
def host() -> Iterator[ModelHost]:
    """As plain as there is: it sends no header of the page's policy."""
    with hosting(ModelHost()) as host:
        host.files["/models/tiny/weights.gguf"] = CONTENT
        host.files["/models.json"] = json.dumps({"models": [TINY]}).encode()
        yield host


@pytest.fixture
def page(browser: Browser, host: ModelHost, open_page: Callable[..., Any]) -> Page:
    watched = open_page(browser, f"{host.address}/blank.html")
    watched.page.evaluate(START)
    return watched.page  # type: ignore[no-any-return]


def policy() -> dict[str, Any]:
    return json.loads((serving.BUILT / "policy.json").read_text())  # type: ignore[no-any-return]


def test_the_page_opens_when_the_network_is_off(page: Page, host: ModelHost) -> None:
    page.goto(host.address)
    online = page.title()
    go_offline(page, host)

    page.goto(host.address)

    assert page.title() == online
    assert page.evaluate(ASK, "/models.json") == 200
    assert page.evaluate(ASK, "/store.js") == 200


def test_everything_is_kept_when_a_model_was_downloaded(page: Page, host: ModelHost) -> None:
    kept_at_first = set(page.evaluate(KEPT))
    assert page.evaluate(DOWNLOAD, TINY) == "done"
    wait_until(page, f"async () => (await ({KEPT})()).includes('pdf.worker.js')")
    go_offline(page, host)

    assert "index.html" in kept_at_first
    assert not any(path.startswith("engines/") for path in kept_at_first)
    for path in ("engine.js", "pdf.worker.js", "engines/wllama.wasm", "engines/ort.wasm"):
        assert page.evaluate(ASK, f"/{path}") == 200
    assert not any(path.startswith("models/") for path in page.evaluate(KEPT))
    assert page.evaluate(ASK, "/models/tiny/weights.gguf") == "TypeError"


def test_a_first_visit_moves_little_when_no_model_is_used(page: Page, host: ModelHost) -> None:
    sizes = [
        (serving.BUILT / path).stat().st_size
        for path in page.evaluate(KEPT)
        if (serving.BUILT / path).is_file()
    ]

    assert sum(sizes) < 1_000_000


def test_a_stored_model_answers_when_the_network_is_off(page: Page, host: ModelHost) -> None:
    contents = {path: (TINY_LLAMA / path).read_bytes() for path in (*TINY_FILES, "onnx/model.onnx")}
    model = model_of("llama", contents, engine="transformers", dtype="fp32")
    host.files |= {f"/models/llama/{path}": content for path, content in contents.items()}
    assert page.evaluate(DOWNLOAD, model) == "done"
    wait_until(page, f"async () => (await ({KEPT})()).includes('pdf.worker.js')")
    go_offline(page, host)

    page.goto(host.address)
    reply = page.evaluate(ANSWER, model)

    assert reply["completionTokens"] == 4
    assert reply["text"]


def test_the_page_is_isolated_when_its_host_sends_no_headers(page: Page, host: ModelHost) -> None:
    assert page.evaluate("crossOriginIsolated") is False

    answer = page.goto(host.address)

    assert page.evaluate("crossOriginIsolated") is True
    assert answer is not None
    sent = {name.lower(): value for name, value in policy()["headers"].items()}
    assert {name: answer.headers.get(name) for name in sent} == sent


def test_the_page_loads_itself_again_when_it_got_no_headers(
    browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    page = open_page(browser, f"{host.address}/blank.html").page
    start = START.replace("mayReload: () => false", "mayReload: () => true")

    with page.expect_navigation():
        page.evaluate(f"() => {{ void ({start})(); }}")

    assert page.evaluate("crossOriginIsolated") is True


def test_workers_get_the_policy_when_the_host_sends_no_headers(page: Page, host: ModelHost) -> None:
    page.goto(f"{host.address}/blank.html")
    host.files["/asking.js"] = (
        b"import { watchRequests } from '/parts.js'; void watchRequests;"
        b"fetch('https://example.org/').then(() => 'came', (error) => error.name)"
        b".then((came) => postMessage([came, crossOriginIsolated]));"
    )
    page.context.route("https://**", lambda route: route.fulfill(status=200))

    told = page.evaluate(
        """() => new Promise((resolve) => {
          const worker = new Worker("/asking.js", { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
        })"""
    )

    assert told == ["TypeError", True]


def test_the_hub_is_asked_when_the_service_worker_shuts_its_frame_off(
    built: Path, browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    with hosting(ModelHost(headers={"Access-Control-Allow-Origin": "*"})) as hub:
        hub.files["/weights.gguf"] = CONTENT
        move_hub(built, hub.address)
        page = open_page(browser, f"{host.address}/blank.html").page
        page.evaluate(START)
        page.reload()
        page.evaluate(COUNT)
        file = TINY["files"][0] | {"urls": [f"{hub.address}/weights.gguf"]}

        assert page.evaluate(DOWNLOAD, TINY | {"files": [file]}) == "done"

        assert hub.asked == [("GET", "/weights.gguf", "")]
        # To the page it is a machine like any other: it is counted, and the page cannot ask it.
        page.wait_for_function("() => window.counts.other === 1")
        assert page.evaluate(ASK, f"{hub.address}/weights.gguf") == "TypeError"
        page.wait_for_function("() => window.counts.refused === 1")


def move_hub(built: Path, address: str) -> None:
    """Have the policy of a build name another hub, on this machine."""
    frame, worker = built / "hub.html", built / "service-worker.js"
    before = frame.read_bytes()
    after = before.replace(b"https://huggingface.co", address.encode())
    frame.write_bytes(after)
    script = worker.read_text().replace("https://huggingface.co", address)
    worker.write_text(script.replace(integrity(before), integrity(after)))


def integrity(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def test_a_foreign_request_is_refused_and_counted_when_the_page_makes_one(
    browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    host.headers = policy()["headers"]
    page = open_page(browser, f"{host.address}/blank.html").page
    came: list[str] = []
    page.context.route("https://**", lambda route: came.append(route.request.url))
    page.evaluate(COUNT)
    page.wait_for_function("() => window.counts")
    before = page.evaluate("window.counts")

    assert page.evaluate(ASK, FOREIGN) == "TypeError"
    page.wait_for_function("() => window.counts.refused === 1")
    assert page.evaluate(ASK, "/v1/models") == 404
    page.wait_for_function("() => window.counts.page + window.counts.server > 1")

    assert came == []
    assert before["page"] > 0
    assert page.evaluate("window.counts.other") == 0


def test_a_request_of_a_worker_is_counted_when_it_downloads(
    browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    page = open_page(browser, f"{host.address}/blank.html").page
    page.evaluate(COUNT)

    page.evaluate(DOWNLOAD, TINY)

    page.wait_for_function("() => window.counts?.model === 1")


def test_nothing_is_counted_when_the_page_comes_from_what_is_kept(
    page: Page, host: ModelHost
) -> None:
    page.goto(f"{host.address}/blank.html")
    page.evaluate(COUNT)
    page.wait_for_function("() => window.counts?.page > 0")
    before = page.evaluate("window.counts.page")

    assert page.evaluate(ASK, "/app.js") == 200
    assert page.evaluate(ASK, "/blank.html?again") == 200
    page.wait_for_function(f"() => window.counts.page > {before}")

    assert page.evaluate("window.counts.page") == before + 1


def test_a_request_is_counted_when_a_worker_of_a_blob_makes_it(page: Page, host: ModelHost) -> None:
    page.goto(f"{host.address}/blank.html")
    page.evaluate(COUNT)
    page.wait_for_function("() => window.counts?.page > 0")
    before = page.evaluate("window.counts.page")

    page.evaluate(
        """() => {
          const script = `fetch("${location.origin}/engine.js")`;
          window.started = new Worker(URL.createObjectURL(new Blob([script])));
        }"""
    )
    page.wait_for_function(f"() => window.counts.page > {before}")

    assert page.evaluate("window.counts.page") == before + 1


def test_other_routes_are_left_alone_when_they_are_of_the_same_server(
    page: Page, host: ModelHost
) -> None:
    page.goto(f"{host.address}/blank.html")
    page.evaluate(COUNT)
    page.wait_for_function("() => window.counts?.page > 0")
    before = page.evaluate("window.counts")
    host.files["/tiers"] = b"{}"

    headers = page.evaluate("() => fetch('/tiers').then(({ headers }) => [...headers.keys()])")

    assert "content-security-policy" not in headers
    page.wait_for_function("() => window.counts.server === 1")
    assert page.evaluate("window.counts.page") == before["page"]


def test_an_update_is_told_and_taken_at_the_next_visit_when_there_is_one(
    built: Path, browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    page = open_page(browser, f"{host.address}/blank.html").page
    page.evaluate(START)
    (built / "service-worker.js").write_text(
        (built / "service-worker.js").read_text() + "// A newer build."
    )

    page.reload()
    page.evaluate(START)
    page.wait_for_function("() => window.updates === 1")
    waiting = "async () => !!(await navigator.serviceWorker.getRegistration()).waiting"
    assert page.evaluate(waiting) is True

    page.reload()
    assert page.evaluate(waiting) is True
    with page.expect_navigation():
        page.evaluate(f"() => {{ void ({START})(); }}")
    assert page.evaluate(waiting) is False


def test_files_of_two_builds_are_not_mixed_when_the_server_has_a_newer_one(
    built: Path, browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    page = open_page(browser, f"{host.address}/blank.html").page
    page.evaluate(START)
    (built / "engine.js").write_text("throw new Error('of another build');")

    assert page.evaluate(ASK, "/engine.js") == "TypeError"
    assert page.evaluate(ASK, "/app.js") == 200


def test_the_hub_frame_may_reach_the_hub_alone_when_its_policy_is_read() -> None:
    directives = policy()["files"]["hub.html"]["Content-Security-Policy"].split("; ")

    assert "default-src 'none'" in directives
    assert "sandbox allow-scripts" in directives
    assert [one for one in directives if one.startswith("connect-src")] == [
        "connect-src https://huggingface.co https://*.huggingface.co https://*.hf.co"
    ]


def test_the_page_names_no_other_machine_when_its_policy_is_read() -> None:
    words = policy()["headers"]["Content-Security-Policy"].split()

    assert not any("//" in word or word.startswith(("http", "*")) for word in words)
    assert "'unsafe-inline'" not in words
    assert "'unsafe-eval'" not in words
