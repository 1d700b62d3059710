"""Drives a real app with a real browser: started from a copy of the project, with its own data."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request
from reportlab.pdfgen.canvas import Canvas
from scripted_server import Scripted

ROOT = Path(__file__).parents[2]
APP = (
    "app.py",
    "handlers",
    "chainlit.md",
    "chainlit_ro-RO.md",
    ".chainlit",
    "public",
    "rag",
    "docs",
)
START_S = 120
SURE = -0.01  # a log probability
# For tests that break a server on purpose and go on with it: it is not left alone afterwards.
NO_PAUSE = {"rag/models/breaker.py": "\n_FIRST_PAUSE_S = 0.0\n"}
READY = "#chat-settings-open-modal"  # is there once the library is open


@dataclass(frozen=True)
class App:
    url: str
    folder: Path
    process: subprocess.Popen[bytes]


def start(
    folder: Path, settings: Mapping[str, str], additions: Mapping[str, str] | None = None
) -> App:
    """Run a copy of the app in ``folder`` with these settings, once it serves its page.

    ``additions``: what is written at the end of files of the copy.
    """
    for part in APP:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    for name, text in (additions or {}).items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
    return run(folder, settings)


def run(folder: Path, settings: Mapping[str, str]) -> App:
    """Run the copy in ``folder``, once more perhaps, once it serves its page."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("RAG_", "CHAINLIT"))
    }
    environment |= {"RAG_DATA_DIR": str(folder / "data"), "RAG_SHUTDOWN_S": "0", **settings}
    environment.pop("CI", None)  # Chainlit's own switch of that name sets keys
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "chainlit", "run", "app.py", "-w", "--headless"),
                *("--port", str(port)),
            ],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    app = App(f"http://127.0.0.1:{port}", folder, process)
    deadline = time.monotonic() + START_S
    while not _is_served(port):
        assert process.poll() is None, (folder / "log.txt").read_text()
        assert time.monotonic() < deadline, (folder / "log.txt").read_text()
        time.sleep(0.05)
    return app


def stop(app: App) -> None:
    app.process.send_signal(signal.SIGTERM)
    try:
        app.process.wait(30)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait()


def _is_served(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@dataclass
class Tab:
    """A page of the chat, with what a person does on it. All that went wrong is in ``faults``."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def type(self, question: str) -> None:
        self.page.click("#chat-input")
        self.page.keyboard.type(question)

    def send(self) -> None:
        self.page.click("#chat-submit:not([disabled])")

    def ask(self, question: str) -> None:
        """Send a question and wait until its answer is complete."""
        cards = self.page.locator(".rag-card").count()
        self.type(question)
        self.send()
        self.page.locator(".rag-card").nth(cards).wait_for(timeout=240_000)

    def new_chat(self) -> None:
        self.page.click("#header #new-chat-button")
        self.page.click("#confirm")
        self.page.wait_for_selector("#starters")

    def drop(self, *files: Path) -> None:
        self.page.set_input_files("#upload-button-input", [str(file) for file in files])
        self.page.wait_for_selector("#chat-submit:not([disabled])")

    @property
    def answer(self) -> str:
        return self.page.locator('[data-step-type="assistant_message"]').last.inner_text()

    def choose(self, tab: str, field: str, option: str) -> None:
        """Set a list of the chat's settings."""
        self.page.click("#chat-settings-open-modal")
        self.page.get_by_role("tab", name=tab).click()
        self.page.click(f"#chat-settings #{field}")
        self.page.get_by_role("option", name=option, exact=True).click()
        self.page.click("#confirm")

    def choose_model(self, tier: str, address: str) -> None:
        self.page.click("#chat-settings-open-modal")
        self.page.get_by_role("tab", name="Models").click()
        self.page.fill(f"#{tier}_other", address)
        self.page.click("#confirm")

    def milliseconds(self) -> dict[str, int]:
        """Of an opened card, by stage, ``total`` among them."""
        return {
            cell.get_attribute("data-stage") or "": int(cell.inner_text().removesuffix(" ms"))
            for cell in self.page.locator(".rag-waterfall .rag-ms").all()
        }

    def watch(self, url: str) -> None:
        """From now on, errors and requests to anything but ``url`` are faults."""

        def asked(request: Request) -> None:
            if not request.url.startswith((url, url.replace("http", "ws"), "data:", "blob:")):
                self.faults.append(f"asked for {request.url}")

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.faults.append(message.text)

        self.page.on("request", asked)
        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))


def says(text: str, **fields: object) -> Scripted:
    """A reply in pieces, of which the model is sure."""
    deltas = re.findall(r"\S+\s*", text)
    return Scripted(deltas, **({"logprobs": [SURE] * len(deltas), "usage": None} | fields))  # type: ignore[arg-type]


def make_manual(path: Path) -> Path:
    """A PDF of two pages."""
    canvas = Canvas(str(path))
    for lines in (
        ("Pump manual", "This page introduces the machine."),
        ("Maintenance", "The pump holds 40 litres of coolant.", "It is serviced every two years."),
    ):
        for place, line in enumerate(lines):
            canvas.drawString(72, 760 - 24 * place, line)
        canvas.showPage()
    canvas.save()
    return path
