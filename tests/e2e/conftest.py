"""Fixtures that run the app and open its page in a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from e2e import driving
from e2e.driving import App, Tab
from playwright.sync_api import Browser, sync_playwright
from scripted_server import ScriptedServer


@pytest.fixture(scope="module")
def _servers() -> Iterator[tuple[ScriptedServer, ScriptedServer]]:
    """The small and the large model of a module's app, each told what to say."""
    servers = ScriptedServer(), ScriptedServer()
    stops = [server.start() for server in servers]
    yield servers
    for stop in stops:
        stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: Playwright's event loop would run under all later tests."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None and "CI" not in os.environ:
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def start_app(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., App]]:
    running: list[App] = []

    def start(settings: Mapping[str, str], additions: Mapping[str, str] | None = None) -> App:
        running.append(driving.start(tmp_path_factory.mktemp("app"), settings, additions))
        return running[-1]

    yield start
    for app in running:
        driving.stop(app)


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Opens tabs; at the end, none may have met an error or asked another machine for anything."""
    tabs: list[Tab] = []

    def open_one(url: str, ready: str = driving.READY, **context: Any) -> Tab:
        tab = Tab(browser.new_context(**({"locale": "en-US"} | context)).new_page())
        tabs.append(tab)
        tab.watch(url)
        tab.page.set_default_timeout(60_000)
        tab.page.goto(url)
        tab.page.wait_for_selector(ready)
        return tab

    yield open_one
    faults = [fault for tab in tabs for fault in tab.faults]
    for tab in tabs:
        tab.page.context.close()
    assert faults == []
