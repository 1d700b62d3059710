"""``doctor``: what rag/doctor.py finds, line by line as it is found."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict

import click

from rag.commands.terminal import example, json_option, print_json, remote_option, run
from rag.doctor import examine
from rag.machine import Finding
from rag.settings import load

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command(epilog=example("doctor"))
@remote_option
@json_option
@run
async def doctor(as_json: bool, remote: bool) -> int:
    """Check this machine, and say how to mend it. Nothing is downloaded."""
    findings: list[Finding] = []
    async with aclosing(examine(load(), remote=remote)) as found:
        async for finding in found:
            findings.append(finding)
            if not as_json:
                show(finding)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    return 1 if any(finding.state == "problem" for finding in findings) else 0


def show(finding: Finding) -> None:
    state = click.style(f"{finding.state:<8}", fg=COLOURS[finding.state])
    click.echo(f"{state} {finding.check}: {finding.message}")
    if finding.fix:
        click.echo(f"{'':9}{finding.fix}")
