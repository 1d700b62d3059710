"""``doctor``: what rag/doctor.py finds, line by line as it is found."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

import click

from rag.commands.environment import write_report
from rag.commands.reporting import report_option
from rag.commands.terminal import example, json_option, print_json, remote_option, run
from rag.doctor import examine
from rag.encoding import Json
from rag.machine import Finding
from rag.settings import load
from rag.types import Tier

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
TIERS: dict[bool, tuple[Tier, ...]] = {False: ("slm",), True: ("slm", "llm")}


@click.command(epilog=example("doctor", "doctor --report machine.html"))
@report_option
@click.option("--both", is_flag=True, help="For the report, also watch the larger model run.")
@remote_option
@json_option
@run
async def doctor(as_json: bool, remote: bool, both: bool, report_file: Path | None) -> int:
    """Check this machine, and say how to mend it. Nothing is downloaded.

    A report also tells what the small model takes while it runs.
    """
    if both and not report_file:
        raise click.UsageError("--both belongs to --report: without one no model is watched.")
    findings: list[Finding] = []
    async with aclosing(examine(load(), remote=remote)) as found:
        async for finding in found:
            findings.append(finding)
            if not as_json:
                show(finding)
    if report_file:
        await write_report(report_file, findings, TIERS[both], load(), remote)
    if as_json:
        print_json([finding_json(finding) for finding in findings])
    return 1 if any(finding.state == "problem" for finding in findings) else 0


def show(finding: Finding) -> None:
    state = click.style(f"{finding.state:<8}", fg=COLOURS[finding.state])
    click.echo(f"{state} {finding.check}: {finding.message}")
    for line in (finding.fix, f"See {finding.see}." if finding.see else ""):
        if line:
            click.echo(f"{'':9}{line}")


def finding_json(finding: Finding) -> Json:
    """The shape is promised in docs/command-line.md."""
    return {**asdict(finding), "see": finding.see}
