"""Runs a command in this process, for the tests of all commands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rag.cli import main

Output = pytest.CaptureFixture[str]


def as_json(capsys: Output, *arguments: str, code: int = 0) -> Any:
    """What a command prints: one document, and the exit code that is expected."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def refused(capsys: Output, *arguments: str) -> str:
    """The one line a command refuses with; nothing is on stdout."""
    capsys.readouterr()
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err.strip()
