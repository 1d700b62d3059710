"""What the process that infers takes while a request runs: a model in, memory, CPU and energy out.

The process is that of the model's server, with the processes it has started; it can be seen only on
this machine. Memory is looked at every few hundredths of a second: what comes and goes in between
is missed. Energy is that of the machine, as energy.py tells it.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import fmean

import psutil

from rag.measuring.energy import NO_METER, Meter, Stop
from rag.measuring.samples import Resources
from rag.models.chat import ChatModel
from rag.models.embedded.served import ServedModel
from rag.models.endpoint import EndpointModel
from rag.types import Energy

_LOOK_S = 0.05
_GRAPHICS_S = 0.5  # each answer of the driver's takes a while
_ANSWERS_WITHIN_S = 5.0
_UTILISATION = ("--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


class ProcessMeter:
    """Start it, stop it, and again. Its sums are those between the two."""

    def __init__(self, process: psutil.Process, energy: Meter = NO_METER) -> None:
        self._process = process
        self._energy = energy
        self._peak_bytes = 0
        self._over = threading.Event()
        self._gpu_shares: list[float] = []
        self._looking: list[threading.Thread] = []
        self._stop_energy: Stop = lambda: None
        self._began_s = 0.0

    def start(self) -> None:
        self._over.clear()
        self._peak_bytes = 0
        self._gpu_shares = []
        self._began_s = cpu_s(self._process)
        self._stop_energy = self._energy.start()
        self._looking = [threading.Thread(target=self._look, daemon=True)]
        if tool := shutil.which("nvidia-smi"):
            command = (tool, *_UTILISATION)
            self._looking.append(threading.Thread(target=self._ask, args=(command,), daemon=True))
        for thread in self._looking:
            thread.start()

    def stop(self) -> Resources:
        self._over.set()
        for thread in self._looking:
            thread.join()
        energy = self._stop_energy()
        used_s = cpu_s(self._process) - self._began_s
        return Resources(
            peak_memory_bytes=self._peak_bytes or None,
            cpu_s=used_s if used_s >= 0 else None,  # a process of the server's has ended
            gpu_share=fmean(self._gpu_shares) if self._gpu_shares else None,
            energy_wh=energy.wh if energy else None,
            energy_source=_told(energy),
        )

    def _look(self) -> None:
        while True:
            self._peak_bytes = max(self._peak_bytes, memory_bytes(self._process))
            if self._over.wait(_LOOK_S):
                return

    def _ask(self, command: Sequence[str]) -> None:
        """NVIDIA's driver, again and again; a card that does not tell is passed over."""
        while True:
            with suppress(OSError, ValueError, subprocess.SubprocessError):
                self._gpu_shares.append(_gpu_share(command))
            if self._over.wait(_GRAPHICS_S):
                return


def meter_of(model: ChatModel, energy: Meter = NO_METER) -> ProcessMeter | None:
    """None when the model's process cannot be seen from here."""
    process = process_of(model)
    return ProcessMeter(process, energy) if process else None


def process_of(model: ChatModel) -> psutil.Process | None:
    """Of its server; None when it cannot be seen from here, or does not run."""
    if isinstance(model, ServedModel):
        pid = model.process_id
    elif isinstance(model, EndpointModel) and model.reach == "machine":
        pid = listening(model.port)
    else:
        pid = None
    with suppress(psutil.Error):
        return psutil.Process(pid) if pid else None
    return None


def listening(port: int) -> int | None:
    """The process that listens on a port of this machine; None where we may not see it."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            is_listening = connection.status == psutil.CONN_LISTEN
            if is_listening and getattr(connection.laddr, "port", None) == port:
                return connection.pid
    return None


def _all(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _sum(process: psutil.Process, figure: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for one in _all(process):
        with suppress(psutil.Error):
            total += figure(one)
    return total


def memory_bytes(process: psutil.Process) -> int:
    """Of a process and those it has started; 0 when it has gone."""
    return int(_sum(process, lambda one: one.memory_info().rss))


def cpu_s(process: psutil.Process) -> float:
    """Of processors' time, since they started; 0 when they have gone."""

    def used_s(one: psutil.Process) -> float:
        times = one.cpu_times()
        return float(times.user + times.system)

    return _sum(process, used_s)


def _gpu_share(command: Sequence[str]) -> float:
    """Of the busiest card. Raises what ``_ask`` passes over."""
    told = subprocess.run(  # noqa: S603 (a fixed command)
        command, capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, check=True
    )
    return max(float(line) for line in told.stdout.split("\n") if line.strip()) / 100


def _told(energy: Energy | None) -> str:
    return energy.source if energy else ""
