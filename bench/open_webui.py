"""A real Open WebUI asks our API, driven in a browser; screenshots out. Run by hand:

    pip install open-webui            # in an environment of its own, Python 3.11
    python bench/open_webui.py PATH/TO/open-webui http://127.0.0.1:8000 docs/images

The chat runs at the address already. Open WebUI gets a folder of its own for as long as it runs,
asks nobody but us, and is stopped at the end. What is checked: our models are offered, a question
is answered from the documents with its sources, a chat gets its title without a model, and what
the documents do not hold is declined.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect, sync_playwright

QUESTION = "Which port does Foundry Local use?"
ELSEWHERE = "Who won the Battle of Hastings?"
START_S = 300
ANSWER_MS = 180_000


def environment(ours: str, folder: Path, key: str) -> dict[str, str]:
    return os.environ | {
        "OPENAI_API_BASE_URL": f"{ours}/v1",
        "OPENAI_API_KEY": key or "none",
        "ENABLE_OLLAMA_API": "false",
        "WEBUI_AUTH": "false",
        "DATA_DIR": str(folder),
        "WEBUI_SECRET_KEY": "of this check",
        "OFFLINE_MODE": "true",
        "HF_HUB_OFFLINE": "1",
        "RAG_EMBEDDING_ENGINE": "openai",  # it loads no model of its own
        "ENABLE_VERSION_UPDATE_CHECK": "false",
        "ANONYMIZED_TELEMETRY": "false",
        "DO_NOT_TRACK": "true",
    }


def start(program: str, ours: str, folder: Path, key: str) -> tuple[subprocess.Popen[bytes], str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", str(port)],
            env=environment(ours, folder, key),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_S
    while not is_healthy(url):
        assert process.poll() is None, (folder / "log.txt").read_text()[-3_000:]
        assert time.monotonic() < deadline, (folder / "log.txt").read_text()[-3_000:]
        time.sleep(0.5)
    return process, url


def is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def ask(page: Page, question: str) -> None:
    page.locator("#chat-input").click()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def answered(page: Page) -> str:
    """The last answer, once it is whole."""
    expect(page.locator("button.copy-response-button").last).to_be_visible(timeout=ANSWER_MS)
    return page.locator(".chat-assistant").last.inner_text()


def check(page: Page, url: str, shots: Path) -> None:
    page.goto(f"{url}/?models=rag-auto")
    page.locator("#chat-input").wait_for(timeout=60_000)
    page.locator("button[aria-label*='model' i], #model-selector-0-button").first.click()
    for name in ("rag-auto", "rag-slm", "rag-llm", "rag-refine"):
        expect(page.get_by_text(name, exact=True).last).to_be_visible(timeout=10_000)
    page.screenshot(path=shots / "open-webui-models.png")
    page.keyboard.press("Escape")
    ask(page, QUESTION)
    text = answered(page)
    print(text)
    assert "FOUNDRY_LOCAL_ENDPOINT" in text
    expect(page.get_by_text("1 Source").last).to_be_visible(timeout=10_000)
    page.screenshot(path=shots / "open-webui-answer.png")
    expect(page.locator("#sidebar, nav").get_by_text(QUESTION[:20]).first).to_be_attached(
        timeout=30_000
    )


def declined(page: Page, url: str, shots: Path) -> None:
    page.goto(f"{url}/?models=rag-auto")
    page.locator("#chat-input").wait_for(timeout=60_000)
    ask(page, ELSEWHERE)
    text = answered(page)
    print(text)
    assert "documents" in text
    page.screenshot(path=shots / "open-webui-declined.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("program", help="the open-webui of its own environment")
    parser.add_argument("ours", help="where the chat runs")
    parser.add_argument("shots", type=Path, help="folder for screenshots")
    parser.add_argument("--key", default="", help="RAG_API_KEY of the chat")
    arguments = parser.parse_args()
    arguments.shots.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process, url = start(arguments.program, arguments.ours, Path(folder), arguments.key)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium)
                page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
                news = page.locator("[role=dialog][aria-modal=true]")
                page.add_locator_handler(news, lambda: page.keyboard.press("Escape"))
                try:
                    check(page, url, arguments.shots)
                    declined(page, url, arguments.shots)
                except Exception:
                    page.screenshot(path=arguments.shots / "open-webui-failed.png")
                    raise
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


if __name__ == "__main__":
    main()
