"""What a process takes: a real one that works, and a graphics driver made up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rag.measuring.energy import Meter
from rag.measuring.resources import ProcessMeter, listening, meter_of
from rag.models.embedded.model import EmbeddedModel
from rag.models.endpoint import EndpointModel

# Takes 60 MB, and works until it is ended.
BUSY = "held = bytearray(60_000_000)\nprint('on', flush=True)\nwhile True: sum(range(1000))"


@pytest.fixture
def busy() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield psutil.Process(child.pid)
        child.kill()


def test_memory_and_cpu_are_told_when_a_process_works(busy: psutil.Process) -> None:
    meter = ProcessMeter(busy)
    meter.start()
    until = time.monotonic() + 10
    before_s = busy.cpu_times().user
    while busy.cpu_times().user - before_s < 0.2 and time.monotonic() < until:
        time.sleep(0.02)
    took = meter.stop()
    assert took.peak_memory_bytes is not None
    assert took.peak_memory_bytes > 60_000_000
    assert took.cpu_s is not None
    assert took.cpu_s >= 0.1
    assert (took.energy_wh, took.energy_source) == (None, "")


def test_it_measures_anew_when_it_is_started_again(busy: psutil.Process) -> None:
    meter = ProcessMeter(busy)
    meter.start()
    time.sleep(0.3)
    first = meter.stop()
    meter.start()
    second = meter.stop()
    assert first.cpu_s is not None
    assert second.cpu_s is not None
    assert second.cpu_s <= first.cpu_s


def test_energy_is_told_when_watts_are_known() -> None:
    meter = ProcessMeter(psutil.Process(), Meter(watts=3600.0))
    meter.start()
    time.sleep(0.05)
    took = meter.stop()
    assert took.energy_wh is not None
    assert took.energy_wh >= 0.05
    assert took.energy_source == "configured"


def test_nothing_is_told_when_the_process_has_gone(busy: psutil.Process) -> None:
    meter = ProcessMeter(busy)
    busy.kill()
    busy.wait()
    meter.start()
    took = meter.stop()
    assert took.peak_memory_bytes is None


@pytest.mark.skipif(os.name == "nt", reason="the made-up driver is a shell script")
@pytest.mark.parametrize(("said", "share"), [("30\\n80", 0.8), ("[N/A]", None)])
def test_the_busiest_card_is_told_when_there_are_several(
    said: str, share: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '{said}\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    meter = ProcessMeter(psutil.Process())
    meter.start()
    assert meter.stop().gpu_share == share


def test_the_process_of_a_server_is_found_when_it_listens_here() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert listening(port) == os.getpid()
        model = EndpointModel("m", f"http://127.0.0.1:{port}/v1", reach="machine")
        assert meter_of(model) is not None
        far = EndpointModel("m", f"http://127.0.0.1:{port}/v1", reach="cloud")
        assert meter_of(far) is None
    assert listening(port) is None


def test_no_process_is_found_when_none_runs(tmp_path: Path) -> None:
    assert meter_of(EmbeddedModel("smollm2-135m", tmp_path)) is None
