"""The host that the tests of this room serve the page from, and the browsers they open it in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

ADAPTER = """async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  return [adapter?.info.vendor ?? null, self.crossOriginIsolated];
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("blank") / "blank.html"
    file.write_text("<!doctype html><title>Blank</title>0123456789")
    return file


def test_an_adapter_is_given_when_the_browser_draws_in_software(
    gpu_browser: Browser, serve: Callable[..., str], open_page: Callable[..., Any], page_file: Path
) -> None:
    watched = open_page(gpu_browser, serve({"/blank": page_file}) + "/blank")

    vendor, is_isolated = watched.page.evaluate(ADAPTER)

    assert vendor
    assert is_isolated


def test_no_adapter_is_given_when_the_machine_has_no_gpu(
    browser: Browser, serve: Callable[..., str], open_page: Callable[..., Any], page_file: Path
) -> None:
    watched = open_page(browser, serve({"/blank": page_file}, headers={}) + "/blank")

    assert watched.page.evaluate(ADAPTER) == [None, False]


def test_a_range_is_answered_when_one_is_asked_for(
    browser: Browser, serve: Callable[..., str], open_page: Callable[..., Any], page_file: Path
) -> None:
    watched = open_page(browser, serve({"/blank": page_file}, headers={}) + "/blank")

    text = watched.page.evaluate(
        """async () => {
          const answer = await fetch("/blank", { headers: { Range: "bytes=36-38" } });
          return [answer.status, answer.headers.get("content-range"), await answer.text()];
        }"""
    )

    assert text == [206, "bytes 36-38/45", "123"]
