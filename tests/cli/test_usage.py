"""Every command's help, and the one sentence that bad usage is refused with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cli.running import Output, refused

from rag.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_when_asked_for(command: str, capsys: Output) -> None:
    assert main([command, "--help"]) == 0
    assert f"Example:\n    python -m rag {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["index"],
        ["index", "missing.pdf"],
        ["forget", "00"],
        ["search", " "],
        ["search", "oil", "-k", "0"],
        ["search", "oil", "--document", "missing.pdf"],
        ["search", "oil", "--docs", "missing"],
        ["ask", ""],
        ["ask", "why", "--mode", "fast"],
        ["ledger", "--yes"],
        ["ledger", "--days", "0"],
        ["ledger", "--wipe", "--yes", "--days", "3"],
        ["models", "pull", "bogus"],
        ["serve", "bogus"],
    ],
    ids=" ".join,
)
def test_one_sentence_refuses_it_when_the_usage_is_bad(
    arguments: Sequence[str], capsys: Output
) -> None:
    assert refused(capsys, *arguments)


def test_the_variable_is_named_when_a_setting_is_bad(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_TOP_K", "many")
    assert refused(capsys, "search", "oil").startswith("Setting RAG_TOP_K: ")
    monkeypatch.delenv("RAG_TOP_K")
    monkeypatch.setenv("RAG_PRICES", "gpt-4o-mini=cheap")
    assert refused(capsys, "search", "oil").startswith("Setting RAG_PRICES: ")
    assert refused(capsys, "ledger").startswith("Setting RAG_PRICES: ")
