"""The machine of a report in words: name and value of each fact."""

from __future__ import annotations

from rag.measuring.machine import Machine
from rag.measuring.reports.figures import shown


def facts(machine: Machine) -> tuple[tuple[str, str], ...]:
    cores = f"{machine.cores} cores, " if machine.cores else ""
    return (
        ("Processor", machine.processor),
        ("Cores", f"{cores}{machine.threads} threads to use"),
        ("Memory", shown(machine.memory_bytes, "bytes")),
        ("System", machine.system),
        ("Python", machine.python),
        ("Packages", ", ".join(f"{name} {version}" for name, version in machine.packages)),
    )
