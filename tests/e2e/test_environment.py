"""The report of ``doctor`` in a real browser: a model that is watched, and one that is missing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from e2e.driving import Tab
from scripted_server import Scripted, ScriptedServer

from rag.cli import main

pytestmark = pytest.mark.browser


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer) -> Path:
    scripted_server.models[0]["capabilities"] = {"streams": True, "logprobs": False}
    scripted_server.fallback = Scripted(["a "] * 20, usage=(10, 20), delay_s=0.05)
    for name, value in {
        "RAG_DATA_DIR": str(tmp_path / "data"),
        "RAG_DOCS_DIR": str(tmp_path / "missing"),
        "RAG_SLM": f"{scripted_server.base_url}#small",
        "RAG_LLM": "http://127.0.0.1:9/v1#off",
        "RAG_DISCOVERY": "false",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor() as apart:  # Playwright's event loop runs in this thread
        assert apart.submit(main, ["doctor", "--report", "here.html"]).result() == 1
    return tmp_path / "here.html"


def test_findings_and_a_running_model_are_shown_when_the_report_is_opened(
    file: Path, open_tab: Callable[..., Tab]
) -> None:
    for width, scheme in ((1200, "light"), (390, "dark")):
        seen: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
        page = open_tab(file.as_uri(), "h1", **seen).page  # which sees errors and requests
        assert page.evaluate("document.documentElement.scrollWidth") == width
        found = page.locator("tr", has_text="documents folder").inner_text()
        assert "RAG_DOCS_DIR" in found
        assert "docs/troubleshooting.md#documents-folder" in found
        assert page.locator("tr", has_text="docs/troubleshooting.md#nothing-answers").count() > 0
        for title in (
            "How much memory does a model hold while it loads and answers?",
            "How many processors does it keep busy?",
        ):
            figure = page.locator("figure", has_text=title)
            assert figure.locator("svg[class]:visible").count() == 1
        assert "begins to answer after" in page.locator(".summary").inner_text()
