"""Fixtures that serve the page that runs in the browser alone, and open it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from webgpu.serving import BUILT, ISOLATED, served

# Chromium gives a software adapter, without `shader-f16`, to a machine that has no GPU.
GPU = ("--enable-unsafe-webgpu",)


@dataclass
class Watched:
    """A page, the addresses it asked for, and what went wrong on it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.faults.append(said.text) if said.type == "error" else None,
        )
        # Of the context, so that those of its workers count.
        self.page.context.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(scope="module")
def _playwright() -> Iterator[Playwright]:
    """Not for the whole session: its event loop would run under all later tests."""
    with sync_playwright() as playwright:
        yield playwright


def _launch(playwright: Playwright, *arguments: str) -> Browser:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None and "CI" not in os.environ:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    return playwright.chromium.launch(executable_path=chromium, args=list(arguments))


@pytest.fixture(scope="module")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    """As a headless machine has it: `navigator.gpu` is there and gives no adapter."""
    browser = _launch(_playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def gpu_browser(_playwright: Playwright) -> Iterator[Browser]:
    """With a software adapter."""
    browser = _launch(_playwright, *GPU)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., str]]:
    """Serves the built page at "/", and more folders or files; returns the address.

    ``headers`` are those of our own server unless given; ``{}`` is any static host.
    """
    with ExitStack() as stack:

        def start(
            more: Mapping[str, Path] | None = None, headers: Mapping[str, str] = ISOLATED
        ) -> str:
            return stack.enter_context(served({"/": BUILT, **(more or {})}, headers))

        yield start


@pytest.fixture
def open_page() -> Iterator[Callable[..., Watched]]:
    """Opens an address in a new context of a browser, with storage of its own."""
    opened: list[Watched] = []

    def open_one(browser: Browser, url: str, **context: Any) -> Watched:
        page = browser.new_context(**({"locale": "en-US"} | context)).new_page()
        page.set_default_timeout(60_000)
        opened.append(Watched(page))
        page.goto(url)
        return opened[-1]

    yield open_one
    for watched in opened:
        watched.page.context.close()
