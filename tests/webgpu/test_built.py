"""What ships is what the sources say: the page is built again and compared. Needs Node 20."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from webgpu.serving import BUILT, ROOT

OLDEST_NODE = 20
SOURCES = ROOT / "webgpu"


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the sources as they are, in a folder of its own."""
    if not _has_node():
        pytest.skip(f"no Node {OLDEST_NODE} on the PATH, so the page is not built again")
    if not (SOURCES / "node_modules").is_dir() and not _npm("ci"):
        pytest.skip("the packages of the page could not be fetched, so it is not built again")
    out = tmp_path_factory.mktemp("built")
    assert _npm("run", "check")
    assert _npm("run", "build", OUT=str(out))
    return out


def _has_node() -> bool:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    told = subprocess.run([node, "--version"], check=True, capture_output=True, text=True)
    return int(told.stdout.lstrip("v").split(".")[0]) >= OLDEST_NODE


def _npm(*command: str, **settings: str) -> bool:
    """Whether it went well; what it says is shown when a test fails."""
    npm = str(shutil.which("npm"))
    return (
        subprocess.run(
            [npm, *command], check=False, cwd=SOURCES, env=os.environ | settings
        ).returncode
        == 0
    )


def test_the_page_that_ships_is_the_one_that_the_sources_build(rebuilt: Path) -> None:
    ours, shipped = _files(rebuilt), _files(BUILT)

    assert shipped.keys() == ours.keys(), "build it with `make web`"
    assert [name for name in ours if ours[name] != shipped[name]] == [], "build it with `make web`"


def _files(folder: Path) -> dict[str, str]:
    """The hash of each, by its path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
