"""The tables of docs/security.md name tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(test_\w+)`", PAGE)


@cache
def existing() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(
        name for text in texts for name in re.findall(r"^\s*(?:async )?def (test_\w+)", text, re.M)
    )


@pytest.mark.parametrize("name", NAMED)
def test_a_threats_test_exists_when_the_page_names_it(name: str) -> None:
    assert name in existing()


def test_every_threat_has_a_test_when_the_page_lists_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.endswith("| tests |")]
    assert len(rows) > 20
    assert all("`test_" in row for row in rows)
