"""Electricity that this machine takes while a model works: configured watts or meters in, Wh out.

A meter tells what all of the machine took meanwhile, not the model alone; turns that run at once
each count all of it. Where neither watts are given nor a meter can be read, nobody knows: nothing
is guessed from processor time. Reading never fails a turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.measuring.meters import Battery, Gauge, Graphics, Processors
from rag.types import Energy

_J_A_WH = 3600.0

Stop = Callable[[], Energy | None]


@dataclass(frozen=True, slots=True)
class Meter:
    """``watts`` are those a person gave: they win over what can be measured."""

    watts: float | None = None
    battery: Gauge | None = None  # tells of the whole machine, while it is discharging
    chips: Sequence[Gauge] = ()  # that add up
    now_s: Callable[[], float] = time.perf_counter

    def start(self) -> Stop:
        """Begin; call what it returns at the end. Takes microseconds, and raises nothing."""
        if self.watts is not None:
            return self._configured(self.watts)
        whole = self.battery.start() if self.battery else _unknown
        parts = [chip.start() for chip in self.chips]

        def stop() -> Energy | None:
            if (joules := whole()) is not None:
                return Energy(joules / _J_A_WH, "measured")
            ended = [part() for part in parts]  # each, so that it comes to an end
            known = [joules for joules in ended if joules is not None]
            if not known or len(known) < len(ended):
                return None
            return Energy(sum(known) / _J_A_WH, "measured", is_whole=False)

        return stop

    def _configured(self, watts: float) -> Stop:
        began_s = self.now_s()
        return lambda: Energy((self.now_s() - began_s) * watts / _J_A_WH, "configured")

    @property
    def is_known(self) -> bool:
        """Whether there is anything to tell it from; a battery tells nothing while it charges."""
        return self.watts is not None or self.battery is not None or bool(self.chips)

    @property
    def sentence(self) -> str:
        """How energy is known, for a person."""
        if self.watts is not None:
            return f"Energy is counted at {self.watts:g} W while a model here works (RAG_WATTS)."
        found = [gauge.name for gauge in (*self.chips, self.battery) if gauge]
        if found:
            return f"Energy is measured: {', '.join(found)}."
        return (
            "Energy is not known, as no meter of this machine can be read. Set RAG_WATTS to what "
            "it takes while a model works."
        )


NO_METER = Meter()


def meter_of(watts: float | None, sys_class: Path = Path("/sys/class")) -> Meter:
    """What can be read here; ``sys_class`` is where Linux shows its devices."""
    if watts is not None:
        return Meter(watts)
    chips = (Processors.found(sys_class / "powercap"), Graphics.found())
    return Meter(
        battery=Battery.found(sys_class / "power_supply"),
        chips=tuple(chip for chip in chips if chip),
    )


def summed(energies: Iterable[Energy | None]) -> Energy | None:
    """Of several; None when there are none, or one is not known."""
    total: Energy | None = None
    for energy in energies:
        if energy is None:
            return None
        total = energy if total is None else _plus(total, energy)
    return total


def _plus(one: Energy, other: Energy) -> Energy:
    return Energy(one.wh + other.wh, one.source, one.is_whole and other.is_whole)


def _unknown() -> None:
    return None
