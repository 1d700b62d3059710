"""The container file and the unit: they hold what the chat needs, and leave it no other right."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()
UNIT = ROOT / "deploy" / "edge-rag-chat.service"
RUN_STAGE = CONTAINERFILE.split("\nFROM ")[-1]
COPIED = [
    path
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", RUN_STAGE, re.MULTILINE)
    for path in line.split()
]
STARTS_WITHIN_S = 120
CHAINLIT = Path(sys.executable).with_name("chainlit")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the image holds under /app, with nothing in it that may be written."""
    folder = tmp_path_factory.mktemp("image") / "app"
    (folder / ".files").mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    subprocess.run([CHAINLIT, "--version"], cwd=folder, check=True, capture_output=True)
    paths = [path for path in (folder, *folder.rglob("*")) if path.name != ".files"]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in paths:
        path.chmod(0o755)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return int(response.status)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError("It never answered.")


def appears(path: Path) -> bool:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return path.exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root can take rights away: run the tests as root on Linux",
)
def test_the_chat_answers_when_it_may_write_its_data_folder_alone(
    app: Path, tmp_path: Path
) -> None:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RAG_DATA_DIR": str(tmp_path / "data"),
        "RAG_SLM": "none",
        "RAG_LLM": "none",
        "RAG_DISCOVERY": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = re.findall(r'"([^"]*)"', RUN_STAGE.rsplit("\nCMD ", 1)[1])
    command = [CHAINLIT, *command[1:-1], str(port)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--bounding-set", "-all", "--no-new-privs", *command],
            cwd=app, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        assert answers(f"http://127.0.0.1:{port}/healthz", process) == 200
        assert appears(tmp_path / "data" / "library.sqlite")
    finally:
        process.terminate()
        assert process.wait(60) in (0, -15), (tmp_path / "log").read_text()


def test_everything_the_app_imports_is_copied_when_the_image_is_made() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "**"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == {*COPIED, "requirements.txt", "wheels"}
    assert {"app.py", "rag", "handlers", "public", "docs", ".chainlit"} <= set(COPIED)


def test_nobody_is_root_when_the_container_runs() -> None:
    assert re.findall(r"^USER (.*)$", RUN_STAGE, re.MULTILINE) == ["10001:10001"]
    assert not re.search(r"^(ADD|ARG)|sudo|--privileged", RUN_STAGE, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_little_is_exposed_when_the_unit_is_examined(tmp_path: Path) -> None:
    """``--threshold`` is ten times the exposure that systemd tells, of 0 (none) to 10."""
    examined = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", UNIT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert examined.returncode == 0, examined.stdout[-2_000:]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_every_line_is_understood_when_the_unit_is_read() -> None:
    found = subprocess.run(
        ["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False
    )
    told = [line for line in found.stderr.splitlines() if UNIT.name in line]
    assert [line for line in told if "is not executable" not in line] == []
