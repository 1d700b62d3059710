from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rag.models.embedded import running
from rag.models.embedded.running import ProcessId, RunningServer

US = ProcessId.of(os.getpid())
SERVER = RunningServer("smollm2-135m", 40001, "secret", US, parent=None)


def test_server_is_read_back_when_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "run" / "model.json"
    for server in (SERVER, dataclasses.replace(SERVER, parent=US)):
        running.write(path, server)
        assert running.read(path) == server
    assert [entry.name for entry in path.parent.iterdir()] == ["model.json"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_file_is_its_owners_alone_when_written(tmp_path: Path) -> None:
    running.write(tmp_path / "model.json", SERVER)
    assert stat.S_IMODE((tmp_path / "model.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"model": "x"}'])
def test_no_server_is_read_when_the_file_is_broken(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    assert running.read(tmp_path / "model.json") is None


def test_no_server_is_read_when_there_is_no_file(tmp_path: Path) -> None:
    assert running.read(tmp_path / "model.json") is None


def test_process_is_alive_when_it_is_us() -> None:
    assert US.is_alive()


def test_process_is_another_when_it_started_at_another_time() -> None:
    assert not ProcessId(US.pid, US.create_time - 3600).is_alive()


def test_process_is_not_alive_when_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        ended = ProcessId.of(child.pid)
        assert ended.is_alive()
        child.kill()
        child.stdin.close()
        # Nobody has asked for its exit code yet: on Unix its entry is still there.
        while psutil.pid_exists(child.pid) and ended.is_alive():
            time.sleep(0.01)
    assert not ended.is_alive()


def test_health_is_unknown_when_nothing_listens() -> None:
    assert dataclasses.replace(SERVER, port=1).health(timeout_s=1) is None
