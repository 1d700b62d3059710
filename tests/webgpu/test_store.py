"""Models in the browser's storage: fetched, gone on with, checked, listed, deleted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from webgpu.model_host import ModelHost, hosting, model_of
from webgpu.serving import ROOT

from rag.models.catalogue import WEIGHTS
from rag.models.download import HttpMirror

pytestmark = pytest.mark.browser

CONTENT = random.Random(6).randbytes(3_000_000)
OTHER = random.Random(7).randbytes(3_000_000)
PATH = "/models/tiny/weights.gguf"
HUB = "https://huggingface.co/somebody/tiny/resolve/main/weights.gguf"
TINY = model_of("tiny", {"weights.gguf": CONTENT})

# Gives what came of it: the error's code, or "done"; and what it was told on the way.
DOWNLOAD = """async ([model, stopAfter]) => {
  const { BrowserStore } = await import("/parts.js");
  const abort = new AbortController();
  const told = (window.told = []);
  const onProgress = (done, total, stage) => {
    told.push([done, total, stage]);
    if (stopAfter !== null && done > stopAfter) abort.abort();
  };
  try {
    await new BrowserStore().download(model, onProgress, abort.signal);
    return { came: "done", told };
  } catch ({ code, name, message, detail, neededBytes, freeBytes }) {
    const came = name === "StoreError" ? code : name;
    return { came, told, message, detail, neededBytes, freeBytes };
  }
}"""
START = f"(given) => {{ window.ending = ({DOWNLOAD})(given); }}"
SOME_CAME = "() => window.told?.some(([done]) => done > 0)"
CAME = "async () => (await window.ending).came"
LIST = """async () => new (await import("/parts.js")).BrowserStore().list()"""
REMOVE = """async (name) => {
  const { BrowserStore } = await import("/parts.js");
  return new BrowserStore().remove(name).then(() => "done", (error) => error.code);
}"""
# The stored bytes' SHA-256, or the error's code.
STORED = """async ([model, path]) => {
  const { BrowserStore } = await import("/parts.js");
  try {
    const file = await new BrowserStore().file(model, path);
    const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch (error) { return error.code; }
}"""
VERIFY = """async (model) => {
  const { BrowserStore } = await import("/parts.js");
  const store = new BrowserStore();
  return store.verify(model, () => {}, new AbortController().signal).then(
    () => "done", (error) => error.code);
}"""
# Writes over what is stored, as a failing disk would.
SPOIL = """async ([name, path, content, size]) => {
  const root = await navigator.storage.getDirectory();
  const folder = await (await root.getDirectoryHandle("models")).getDirectoryHandle(name);
  const writable = await (await folder.getFileHandle(path)).createWritable(
    { keepExistingData: true });
  await writable.write({ type: "write", position: 0, data: content });
  if (size !== null) await writable.truncate(size);
  await writable.close();
}"""
MODELS_IN = """async (list) => {
  const { modelsIn } = await import("/parts.js");
  try { return modelsIn(list, new URL("./", document.baseURI)).map((model) => model.name); }
  catch (error) { return [error.code, error.detail]; }
}"""


@pytest.fixture
def host() -> Iterator[ModelHost]:
    with hosting(ModelHost()) as host:
        host.files[PATH] = CONTENT
        yield host


@pytest.fixture
def page(browser: Browser, host: ModelHost, open_page: Callable[..., Any]) -> Page:
    watched = open_page(browser, f"{host.address}/blank.html")
    return watched.page  # type: ignore[no-any-return]


def download(page: Page, model: dict[str, Any] = TINY, stop_after: int | None = None) -> Any:
    return page.evaluate(DOWNLOAD, [model, stop_after])


def stored(page: Page, model: dict[str, Any] = TINY) -> Any:
    return page.evaluate(STORED, [model, "weights.gguf"])


def wait_for_locks(page: Page, held: int, pending: int) -> None:
    page.evaluate(
        """async (wanted) => {
          for (;;) {
            const { held, pending } = await navigator.locks.query();
            if (held.length === wanted[0] && pending.length === wanted[1]) return;
            await new Promise(requestAnimationFrame);
          }
        }""",
        [held, pending],
    )


def with_urls(*urls: str) -> dict[str, Any]:
    return TINY | {"files": [TINY["files"][0] | {"urls": list(urls)}]}


def test_a_model_is_kept_when_it_was_downloaded(page: Page) -> None:
    outcome = download(page)

    assert outcome["came"] == "done"
    assert outcome["told"][-1] == [3_000_000, 3_000_000, "download"]
    assert stored(page) == TINY["files"][0]["sha256"]
    listed = page.evaluate(LIST)
    assert [(one["name"], one["isComplete"]) for one in listed] == [("tiny", True)]
    assert 3_000_000 < listed[0]["sizeBytes"] < 3_001_000


def test_files_lie_in_their_folders_when_a_model_has_several(page: Page, host: ModelHost) -> None:
    model = model_of("two", {"onnx/model.onnx": CONTENT, "config.json": b"{}"})
    host.files |= {"/models/two/onnx/model.onnx": CONTENT, "/models/two/config.json": b"{}"}

    assert download(page, model)["came"] == "done"

    assert page.evaluate(STORED, [model, "onnx/model.onnx"]) == model["files"][0]["sha256"]
    assert page.evaluate(STORED, [model, "config.json"]) == model["files"][1]["sha256"]


def test_nothing_is_fetched_when_the_model_is_here_already(page: Page, host: ModelHost) -> None:
    download(page)
    page.reload()

    assert download(page)["came"] == "done"

    assert host.ranges(PATH) == [""]


def test_a_download_goes_on_when_it_was_stopped(page: Page, host: ModelHost) -> None:
    host.pause_after = 1_000_000
    first = download(page, stop_after=0)
    (part,) = page.evaluate(LIST)
    host.pause_after = None
    host.goes_on.set()

    second = download(page)

    assert first["came"] == "AbortError"
    assert part["isComplete"] is False
    assert second["came"] == "done"
    start = int(host.ranges(PATH)[1].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 1_100_000
    assert stored(page) == TINY["files"][0]["sha256"]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_goes_on_when_the_connection_broke(
    page: Page, host: ModelHost, knows_ranges: bool
) -> None:
    host.knows_ranges = knows_ranges
    host.break_off_after = [1_000_000]

    page.evaluate(START, [TINY, None])
    page.wait_for_function(SOME_CAME)
    host.goes_on.set()

    assert page.evaluate(CAME) == "done"
    assert [asked.startswith("bytes=") for asked in host.ranges(PATH)] == [False, True]
    assert stored(page) == TINY["files"][0]["sha256"]


def test_a_part_is_fetched_anew_when_it_was_of_another_file(page: Page, host: ModelHost) -> None:
    host.files[PATH] = OTHER
    host.pause_after = 1_000_000
    assert download(page, stop_after=0)["came"] == "AbortError"
    host.files[PATH] = CONTENT
    host.goes_on.set()

    assert download(page)["came"] == "done"

    assert host.ranges(PATH)[-1] == ""
    assert stored(page) == TINY["files"][0]["sha256"]


def test_a_file_is_refused_and_deleted_when_its_hash_is_wrong(page: Page, host: ModelHost) -> None:
    host.files[PATH] = OTHER

    outcome = download(page)

    assert (outcome["came"], outcome["detail"]) == ("hash", "weights.gguf")
    assert stored(page) == "damaged"
    (listed,) = page.evaluate(LIST)
    assert listed["isComplete"] is False
    assert listed["sizeBytes"] < 1_000


@pytest.mark.parametrize("length", [2_999_999, 0])
def test_a_file_is_refused_when_it_is_too_short(page: Page, host: ModelHost, length: int) -> None:
    host.files[PATH] = CONTENT[:length]

    assert download(page)["came"] == "network"
    assert stored(page) == "damaged"


def test_a_file_is_fetched_anew_when_the_list_has_another_of_its_size(
    page: Page, host: ModelHost
) -> None:
    download(page)
    host.files[PATH] = OTHER
    newer = model_of("tiny", {"weights.gguf": OTHER})

    assert download(page, newer)["came"] == "done"

    assert stored(page, newer) == newer["files"][0]["sha256"]


def test_there_is_no_storage_when_the_page_came_over_an_open_connection(
    browser: Browser, host: ModelHost, open_page: Callable[..., Any]
) -> None:
    address = host.address.replace("127.0.0.1", "0.0.0.0")
    page = open_page(browser, f"{address}/blank.html").page

    assert page.evaluate("isSecureContext") is False
    assert download(page)["came"] == "no-storage"


def test_the_next_source_is_asked_when_one_has_a_wrong_file(page: Page, host: ModelHost) -> None:
    host.files["/models/tiny/wrong"] = OTHER
    model = with_urls("models/tiny/none", "models/tiny/wrong", "models/tiny/weights.gguf")

    assert download(page, model)["came"] == "done"

    assert [path for _, path, _ in host.asked if path.startswith("/models/")] == [
        "/models/tiny/none",
        "/models/tiny/wrong",
        PATH,
    ]


def test_the_app_prepares_a_model_when_it_has_it_in_another_form(
    page: Page, host: ModelHost
) -> None:
    host.unprepared[PATH] = host.files.pop(PATH)
    host.preparing = [{"done": 1, "total": 2, "stage": "convert"}, {"ready": True}]

    outcome = download(page)

    assert outcome["came"] == "done"
    assert outcome["told"][0] == [1, 2, "prepare"]
    asked = [(method, path) for method, path, _ in host.asked if "/models/" in path]
    assert asked == [("GET", PATH), ("POST", "/models/tiny"), ("GET", PATH)]


@pytest.mark.parametrize(
    ("said", "came"), [([{"error": "No room for it."}], "prepare"), ([{"ready": True}], "network")]
)
def test_a_download_ends_when_the_app_cannot_prepare_it(
    page: Page, host: ModelHost, said: list[dict[str, Any]], came: str
) -> None:
    host.preparing = said
    host.files[PATH] = b""
    host.unprepared[PATH] = b""

    outcome = download(page)

    assert outcome["came"] == came
    assert "error" not in said[0] or outcome["detail"] == "No room for it."


def test_bytes_come_from_the_hub_when_its_frame_is_asked(page: Page) -> None:
    asked: list[dict[str, str]] = []

    def hub(route: Route) -> None:
        asked.append(route.request.headers)
        start = int(route.request.headers.get("range", "bytes=0-")[6:-1])
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=206 if start else 200, body=CONTENT[start:], headers=headers)

    page.context.route("https://huggingface.co/**", hub)

    assert download(page, with_urls(HUB))["came"] == "done"

    assert stored(page) == TINY["files"][0]["sha256"]
    assert len(asked) == 1
    assert asked[0]["origin"] == "null"  # the frame is nobody's
    assert "referer" not in asked[0]
    assert page.locator("iframe").count() == 0


def test_no_frame_is_opened_when_the_server_of_the_page_has_the_model(
    page: Page, host: ModelHost
) -> None:
    assert download(page, with_urls("models/tiny/weights.gguf", HUB))["came"] == "done"

    assert "/hub.html" not in [path for _, path, _ in host.asked]


def test_the_app_is_quoted_when_it_refuses_to_prepare(page: Page, host: ModelHost) -> None:
    host.unprepared[PATH] = CONTENT
    refusal = {"error": {"message": "Log in to the chat first."}}
    page.context.route("**/models/tiny", lambda route: route.fulfill(status=401, json=refusal))

    outcome = download(page)

    assert (outcome["came"], outcome["detail"]) == ("prepare", "Log in to the chat first.")


def test_the_hub_is_not_reached_when_the_page_asks_it_itself(page: Page) -> None:
    page.context.route("https://**", lambda route: route.abort())

    assert download(page, with_urls(HUB))["came"] == "network"
    assert download(page, with_urls("https://example.org/weights.gguf"))["came"] == "network"


def estimate(page: Page, told: str) -> None:
    """Have the worker of a download be told this about the room there is."""
    page.context.route(
        "**/store.js",
        lambda route: route.fulfill(
            content_type="text/javascript",
            body=f"StorageManager.prototype.estimate = async () => ({told});"
            + route.fetch().text(),
        ),
    )


def test_there_is_no_room_when_the_browser_tells_of_too_little(page: Page, host: ModelHost) -> None:
    estimate(page, "{ quota: 1_000_000, usage: 10_000 }")

    outcome = download(page)

    assert outcome["came"] == "no-room"
    assert (outcome["neededBytes"], outcome["freeBytes"]) == (3_000_000, 990_000)
    assert host.ranges(PATH) == []


@pytest.mark.parametrize("quota_bytes", [1_000, 1_000_000])
def test_a_download_goes_on_when_there_is_room_again(
    page: Page, host: ModelHost, quota_bytes: int
) -> None:
    quota = page.context.new_cdp_session(page)
    quota.send("Storage.overrideQuotaForOrigin", {"origin": host.address, "quotaSize": quota_bytes})
    assert download(page)["came"] == "no-room"
    quota.send("Storage.overrideQuotaForOrigin", {"origin": host.address})

    assert download(page)["came"] == "done"

    assert stored(page) == TINY["files"][0]["sha256"]


def test_its_room_is_free_again_when_a_model_is_deleted(page: Page) -> None:
    download(page)

    assert page.evaluate(REMOVE, "tiny") == "done"

    assert page.evaluate(LIST) == []
    usage = "async () => (await navigator.storage.estimate()).usage"
    assert page.evaluate(usage) < 1_000_000


def test_a_model_is_not_deleted_when_another_tab_downloads_it(page: Page, host: ModelHost) -> None:
    host.pause_after = 100_000
    other = page.context.new_page()
    other.goto(f"{host.address}/blank.html")
    other.evaluate(START, [TINY, None])
    wait_for_locks(page, held=1, pending=0)

    assert page.evaluate(REMOVE, "tiny") == "busy"

    host.goes_on.set()
    assert other.evaluate(CAME) == "done"


def test_it_is_downloaded_once_when_two_tabs_ask_for_it(page: Page, host: ModelHost) -> None:
    host.pause_after = 100_000
    other = page.context.new_page()
    other.goto(f"{host.address}/blank.html")
    for tab in (page, other):
        tab.evaluate(START, [TINY, None])
    wait_for_locks(page, held=1, pending=1)
    host.goes_on.set()

    assert [tab.evaluate(CAME) for tab in (page, other)] == [
        "done",
        "done",
    ]

    assert host.ranges(PATH) == [""]
    assert stored(page) == TINY["files"][0]["sha256"]


def test_a_stored_file_is_noticed_when_it_was_cut_short(page: Page) -> None:
    download(page)
    page.evaluate(SPOIL, ["tiny", "weights.gguf", "", 1_000])

    assert stored(page) == "damaged"
    assert [one["isComplete"] for one in page.evaluate(LIST)] == [False]
    assert download(page)["came"] == "done"
    assert stored(page) == TINY["files"][0]["sha256"]


def test_a_stored_file_is_deleted_when_its_bytes_have_changed(page: Page) -> None:
    download(page)
    assert page.evaluate(VERIFY, TINY) == "done"
    page.evaluate(SPOIL, ["tiny", "weights.gguf", "spoilt", None])

    assert page.evaluate(VERIFY, TINY) == "hash"

    assert stored(page) == "damaged"


def test_a_list_is_read_when_its_entries_are_sound(page: Page) -> None:
    models = [TINY, with_urls(HUB) | {"name": "hub"}]

    assert page.evaluate(MODELS_IN, {"models": models}) == ["tiny", "hub"]
    assert page.evaluate(MODELS_IN, {"models": []}) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", "../../other/weights.gguf"),
        ("path", "/weights.gguf"),
        ("path", "onnx//model.onnx"),
        ("path", "..\\weights.gguf"),
        ("path", ".model.json"),
        ("path", "weights.gguf.part"),
        ("path", ""),
        ("urls", ["https://example.org/weights.gguf"]),
        ("urls", ["//example.org/weights.gguf"]),
        ("urls", ["http://huggingface.co/weights.gguf"]),
        ("urls", ["https://huggingface.co.example.org/weights.gguf"]),
        ("urls", ["https://me:secret@huggingface.co/weights.gguf"]),
        ("urls", ["javascript:alert(1)"]),
        ("urls", ["blob:https://huggingface.co/1"]),
        ("urls", []),
        ("urls", None),
        ("sizeBytes", 1 << 60),
        ("sizeBytes", -1),
        ("sizeBytes", 0),
        ("sizeBytes", 1.5),
        ("sizeBytes", "1"),
        ("sha256", "0" * 63),
        ("sha256", None),
    ],
)
def test_a_list_is_refused_when_a_file_is_odd(page: Page, field: str, value: Any) -> None:
    model = TINY | {"files": [TINY["files"][0] | {field: value}]}

    code, detail = page.evaluate(MODELS_IN, {"models": [TINY | {"name": "sound"}, model]})

    assert code == "bad-list"
    assert detail.startswith(field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../tiny"),
        ("name", ".."),
        ("name", "a/b"),
        ("engine", "eval"),
        ("needs", ["everything"]),
        ("needs", "webgpu"),
        ("files", []),
        ("files", [*TINY["files"], *TINY["files"]]),
        ("contextTokens", 1 << 40),
        ("title", "x" * 1000),
    ],
)
def test_a_list_is_refused_when_a_model_is_odd(page: Page, field: str, value: Any) -> None:
    assert page.evaluate(MODELS_IN, {"models": [TINY | {field: value}]})[0] == "bad-list"


@pytest.mark.parametrize("value", [None, [], "models", {}, {"models": {}}, {"models": [None]}])
def test_a_list_is_refused_when_it_is_none(page: Page, value: Any) -> None:
    assert page.evaluate(MODELS_IN, value)[0] == "bad-list"


def test_the_list_of_a_static_host_agrees_when_it_is_held_against_the_catalogue(
    page: Page,
) -> None:
    shipped = json.loads((ROOT / "webgpu" / "static" / "models.json").read_text())

    names = [model["name"] for model in shipped["models"]]
    assert page.evaluate(MODELS_IN, shipped) == names

    files = [file for model in shipped["models"] for file in model["files"]]
    pinned = {weights.sha256: weights for weights in WEIGHTS.values()}
    assert [file["sizeBytes"] for file in files] == [
        pinned[file["sha256"]].size_bytes for file in files
    ]
    assert all(
        HttpMirror(url) in pinned[file["sha256"]].mirrors for file in files for url in file["urls"]
    )
