"""The machine that measures: nothing in; processor, memory, system and versions out."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

# What decides about speed and answers.
_PACKAGES = (
    *("openvino", "openvino-genai", "foundry-local-sdk", "openai", "tiktoken", "rank-bm25"),
    *("tantivy", "numpy"),
)
_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int | None  # without hyper-threads; None: the system does not tell
    threads: int  # that this program may use at once
    memory_bytes: int
    system: str
    python: str
    packages: tuple[tuple[str, str], ...]  # name and version, of those that are installed


def described() -> Machine:
    return Machine(
        processor=_processor() or platform.machine() or "unknown",
        cores=psutil.cpu_count(logical=False),
        threads=_threads(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=tuple((name, found) for name in _PACKAGES if (found := _version(name))),
    )


def _threads() -> int:
    if sys.platform == "linux":  # a container may have fewer than the machine
        return len(os.sched_getaffinity(0))
    return psutil.cpu_count() or 1


def _processor() -> str:
    """Its name as sold; "" when the system does not tell."""
    with suppress(OSError, UnicodeDecodeError, subprocess.SubprocessError):
        if sys.platform == "linux":
            return linux_processor(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(  # noqa: S603 (a fixed command)
                command, capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, check=True
            ).stdout.strip()
    return platform.processor()


def linux_processor(cpuinfo: str) -> str:
    """
    >>> linux_processor("processor\\t: 0\\nmodel name\\t: Fast (TM)  9000\\n")
    'Fast (TM) 9000'
    """
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model"} and value.strip():
            return " ".join(value.split())
    return ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
