"""The policy of docs/security.md on known vulnerabilities, and the list of all parts."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 26)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["audit"] = module
    spec.loader.exec_module(module)
    return module


def vulnerable(*aliases: str) -> dict[str, Any]:
    found = {"id": "PYSEC-1", "aliases": list(aliases), "fix_versions": ["1.1"]}
    return {"name": "pump", "version": "1.0", "vulns": [found]}


def test_it_blocks_when_a_pin_is_vulnerable(audit: ModuleType) -> None:
    lines, unasked = audit.judged([vulnerable()], (), TODAY)
    assert lines == ["pump 1.0 has PYSEC-1; 1.1 mends it."]
    assert unasked == 0


def test_it_passes_when_the_vulnerability_is_excepted(audit: ModuleType) -> None:
    exception = audit.Excepted("CVE-1", "a reason", TODAY)
    assert audit.judged([vulnerable("CVE-1")], (exception,), TODAY) == ([], 0)


def test_it_blocks_when_an_exception_ran_out_or_is_needed_no_more(audit: ModuleType) -> None:
    old = audit.Excepted("CVE-1", "a reason", date(2026, 11, 25))
    unneeded = audit.Excepted("CVE-2", "a reason", TODAY)
    lines, _ = audit.judged([vulnerable("CVE-1")], (old, unneeded), TODAY)
    assert lines == [
        "the exception for CVE-1 ran out.",
        "the exception for CVE-2 is needed no more: delete it.",
    ]


def test_it_says_so_and_passes_when_nobody_can_be_asked(audit: ModuleType) -> None:
    package = {"name": "pump", "skip_reason": "out of reach"}
    exception = audit.Excepted("CVE-1", "a reason", TODAY)
    assert audit.judged([package], (exception,), TODAY) == ([], 1)


def test_each_exception_has_its_reason_and_its_day_when_the_file_is_read(
    audit: ModuleType,
) -> None:
    exceptions = audit.excepted(ROOT / ".ci" / "audit.toml")
    assert all(len(one.reason) > 20 for one in exceptions)
    assert [one.id for one in exceptions] == ["CVE-2026-120492"]


def test_every_part_is_listed_when_the_list_is_made(audit: ModuleType) -> None:
    made = audit.sbom()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    purls = [part["purl"] for part in made["components"]]
    assert len(purls) == len(set(purls)) > 150
    assert any(purl.startswith("pkg:pypi/chainlit@2.12.0") for purl in purls)
    assert any(purl.startswith("pkg:npm/") for purl in purls)


def test_mcp_is_off_when_the_page_is_configured() -> None:
    features = tomllib.loads((ROOT / ".chainlit" / "config.toml").read_text())["features"]
    assert features["mcp"] == {
        "enabled": False,
        "user_servers": {"enabled": False, "allowed_urls": []},
    }
    assert not features["unsafe_allow_html"]
