"""Known vulnerabilities in what requirements*.txt pin, and the list of all parts (CycloneDX).

    python .ci/audit.py audit [--exceptions .ci/audit.toml]    needs pip-audit
    python .ci/audit.py sbom > sbom.json

``audit`` ends with 1 when a pinned version has a known vulnerability that is not excepted, or when
an exception has run out or is needed no more; with 0, and says so, when nobody could be asked. The
policy is in docs/security.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINNED = ("requirements.txt", "requirements-foundry.txt")
LOCKED = "webgpu/package-lock.json"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Excepted:
    """A vulnerability that is lived with: why, and until when."""

    id: str
    reason: str
    until: date


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=["audit", "sbom"])
    parser.add_argument("--exceptions", type=Path, default=ROOT / ".ci" / "audit.toml")
    arguments = parser.parse_args()
    if arguments.what == "sbom":
        print(json.dumps(sbom(), indent=2))
        return 0
    problems, unasked = judged(asked(), excepted(arguments.exceptions), date.today())
    for line in problems:
        print(f"audit: {line}")
    if unasked:
        print(f"audit: nobody could be asked about {unasked} packages.")
    return 1 if problems else 0


def pins() -> list[tuple[str, str]]:
    """Name and version; two versions of one name where systems differ."""
    texts = ((ROOT / name).read_text(encoding="utf-8") for name in PINNED)
    return sorted({pin for text in texts for pin in _PIN.findall(text)})


def asked() -> list[dict[str, Any]]:
    """What pip-audit knows of every pin: ``vulns``, or a ``skip_reason``."""
    if shutil.which("pip-audit") is None:
        raise SystemExit("audit: pip-audit is not installed: pip install pip-audit.")
    command = ["pip-audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    found: list[dict[str, Any]] = []
    for name in PINNED:
        ended = subprocess.run(  # noqa: S603 (pip-audit, with what is pinned here)
            [*command, "-r", str(ROOT / name)], capture_output=True, text=True, check=False
        )
        if not ended.stdout.strip():  # the service is out of reach
            return [{"name": one, "skip_reason": "out of reach"} for one, _ in pins()]
        found += json.loads(ended.stdout)["dependencies"]
    return found


def excepted(path: Path) -> tuple[Excepted, ...]:
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
    return tuple(Excepted(row["id"], row["reason"], row["until"]) for row in rows)


def judged(
    dependencies: list[dict[str, Any]], exceptions: tuple[Excepted, ...], today: date
) -> tuple[list[str], int]:
    """What blocks, a line each; and of how many packages nothing is known."""
    lines, needed = [], set()
    by_id = {one.id: one for one in exceptions}
    for package in dependencies:
        for vulnerability in package.get("vulns", []):
            ids = {vulnerability["id"], *vulnerability.get("aliases", [])}
            needed |= ids & by_id.keys()
            if not ids & by_id.keys():
                fixes = ", ".join(vulnerability.get("fix_versions", [])) or "no version"
                lines.append(
                    f"{package['name']} {package['version']} has {vulnerability['id']}; "
                    f"{fixes} mends it."
                )
    lines += [f"the exception for {one.id} ran out." for one in exceptions if one.until < today]
    unasked = sum("skip_reason" in package for package in dependencies)
    if not unasked:
        unneeded = sorted(by_id.keys() - needed)
        lines += [f"the exception for {one} is needed no more: delete it." for one in unneeded]
    return lines, unasked


def sbom() -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "edge-rag-chat"}},
        "components": [*python_parts(), *page_parts()],
    }


def python_parts() -> Iterator[dict[str, Any]]:
    for name, version in pins():
        plain = re.sub(r"[-_.]+", "-", name).lower()
        yield component(plain, version, f"pkg:pypi/{plain}@{version}")


def page_parts() -> Iterator[dict[str, Any]]:
    """Of the page that runs in the browser alone: what is built into it, and what builds it."""
    packages = json.loads((ROOT / LOCKED).read_text(encoding="utf-8"))["packages"]
    for path, package in sorted(packages.items()):
        if not path:
            continue
        name = path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        part = component(name, package["version"], purl)
        algorithm, _, digest = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            content = base64.b64decode(digest).hex()
            part["hashes"] = [{"alg": "SHA-512", "content": content}]
        yield part | {"scope": "excluded" if package.get("dev") else "required"}


def component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    sys.exit(main())
