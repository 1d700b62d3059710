"""The meters a machine may have: started, then stopped, each tells the joules in between.

``None`` is what a meter says that cannot be read just now. Linux shows its counters as files
(kernel documentation: power/powercap and ABI/testing/sysfs-class-power); NVIDIA's cards are asked
through the driver's own ``nvidia-smi``.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Protocol, Self

_MICRO = 1e-6
_ANSWERS_WITHIN_S = 5.0

Joules = Callable[[], float | None]


class Gauge(Protocol):
    @property
    def name(self) -> str:
        """What it is read from, for a person."""
        ...

    def start(self) -> Joules: ...


@dataclass(frozen=True, slots=True)
class Processors:
    """RAPL's counters of microjoules, of Intel's and AMD's processors and their memory.

    They begin again at ``max_energy_range_uj``, after an hour or so of full load. Since
    CVE-2020-8694 Linux lets only root read them unless it is told otherwise.
    """

    zones: tuple[Path, ...]
    name: str = "the processor's counters"

    @classmethod
    def found(cls, powercap: Path) -> Self | None:
        """None where there are none, or we may not read them."""
        zones = tuple(sorted(zone for zone in powercap.glob("intel-rapl:*") if _is_counted(zone)))
        return cls(zones) if zones and None not in [_energy_uj(zone) for zone in zones] else None

    def start(self) -> Joules:
        began = [_energy_uj(zone) for zone in self.zones]

        def stop() -> float | None:
            total_uj = 0.0
            for zone, before_uj in zip(self.zones, began, strict=True):
                after_uj, range_uj = _energy_uj(zone), _number(zone / "max_energy_range_uj")
                if before_uj is None or after_uj is None:
                    return None
                if after_uj < before_uj and range_uj is None:
                    return None
                total_uj += after_uj - before_uj + (after_uj < before_uj) * (range_uj or 0.0)
            return total_uj * _MICRO

        return stop


def _is_counted(zone: Path) -> bool:
    """A package, or memory beside it; cores are part of the package."""
    return (_text(zone / "name") or "").startswith(("package", "dram"))


def _energy_uj(zone: Path) -> float | None:
    return _number(zone / "energy_uj")


@dataclass(frozen=True, slots=True)
class Battery:
    """What the machine draws from its batteries; nothing can be told while it has mains."""

    supplies: tuple[Path, ...]
    name: str = "the battery's discharge"
    now_s: Callable[[], float] = time.perf_counter

    @classmethod
    def found(cls, power_supply: Path) -> Self | None:
        supplies = tuple(sorted(path for path in power_supply.glob("*") if _feeds_us(path)))
        return cls(supplies) if supplies else None

    def start(self) -> Joules:
        began_s, at_first_w = self.now_s(), self._watts()

        def stop() -> float | None:
            at_last_w = self._watts()
            if at_first_w is None or at_last_w is None:
                return None
            return (at_first_w + at_last_w) / 2 * (self.now_s() - began_s)

        return stop

    def _watts(self) -> float | None:
        drained = [path for path in self.supplies if _text(path / "status") == "Discharging"]
        watts = [_supplied_w(path) for path in drained]
        known = [one for one in watts if one is not None]
        return sum(known) if known and len(known) == len(watts) else None


def _feeds_us(supply: Path) -> bool:
    """A mouse's battery has the scope ``Device``."""
    return _text(supply / "type") == "Battery" and _text(supply / "scope") != "Device"


def _supplied_w(supply: Path) -> float | None:
    power_uw = _number(supply / "power_now")
    if power_uw is not None:
        return abs(power_uw) * _MICRO
    current_ua, voltage_uv = _number(supply / "current_now"), _number(supply / "voltage_now")
    if current_ua is None or voltage_uv is None:
        return None
    return abs(current_ua) * _MICRO * voltage_uv * _MICRO


@dataclass(frozen=True, slots=True)
class Graphics:
    """NVIDIA's cards: asked again and again in a thread, as each answer takes a while."""

    command: Sequence[str]
    pause_s: float = 1.0
    name: str = "the graphics card's power (nvidia-smi)"
    now_s: Callable[[], float] = time.perf_counter

    @classmethod
    def found(cls) -> Self | None:
        tool = shutil.which("nvidia-smi")
        if tool is None:
            return None
        return cls((tool, "--query-gpu=power.draw", "--format=csv,noheader,nounits"))

    def start(self) -> Joules:
        began_s, over = self.now_s(), threading.Event()
        samples_w: list[float] = []
        threading.Thread(target=self._sample, args=(samples_w, over), daemon=True).start()

        def stop() -> float | None:
            over.set()
            taken_w = list(samples_w)
            return fmean(taken_w) * (self.now_s() - began_s) if taken_w else None

        return stop

    def _sample(self, samples_w: list[float], over: threading.Event) -> None:
        while not over.is_set():
            with suppress(OSError, ValueError, subprocess.SubprocessError):
                samples_w.append(self._watts())
            over.wait(self.pause_s)

    def _watts(self) -> float:
        """Of all cards. Raises what ``_sample`` passes over."""
        told = subprocess.run(  # noqa: S603 - a fixed command
            self.command, capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, check=True
        )
        return sum(float(line) for line in told.stdout.split("\n") if line.strip())


# --- files -----------------------------------------------------------------------------------


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):  # gone, not ours to read, or the battery was taken out
        return None


def _number(path: Path) -> float | None:
    try:
        return float(_text(path) or "")
    except ValueError:
        return None
