"""``doctor --report``: findings in; a report of them, of the models that are there, and of what
they take while they run, out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from rag.commands.experimenting import models_of, new_mark
from rag.commands.reporting import keep, reported
from rag.commands.terminal import progress_bar
from rag.errors import SettingsError
from rag.machine import Finding
from rag.measuring.bench import bench
from rag.measuring.energy import meter_of as energy_meter
from rag.measuring.environment import Watched, charts, plan, watched
from rag.measuring.experiment import Experiment, cells
from rag.measuring.reports import bench as bench_report
from rag.measuring.reports.values import Column, Part, Section, Table, Value
from rag.measuring.resources import meter_of
from rag.models.chat import ChatModel
from rag.models.facts import abilities, known_of
from rag.models.reach import PLACES
from rag.roster import Roster
from rag.settings import Settings
from rag.troubleshooting import remedy_of
from rag.types import Capabilities, Tier

_TITLE = "Is this machine ready to answer?"
_UNSEEN = "The processes of these models cannot be seen from here, so there are no charts of them."
_WATCHED = (
    "The process of each model was looked at from the first request to the last; the grey line is "
    "where it was loaded and began to answer."
)


async def write_report(
    path: Path, findings: Sequence[Finding], tiers: Sequence[Tier], settings: Settings, remote: bool
) -> None:
    """Measures the models of ``tiers`` where all is well with them; downloads nothing.

    Raises RagError.
    """
    models = Section("Which models are there?", tuple(await _models(settings, remote)))
    told, running = await _running(findings, tiers, settings)
    parts = [*_sections(findings), *running, models]
    keep(reported(_TITLE, f"{_counted(findings)} {told}", parts), path)


# --- findings --------------------------------------------------------------------------------


def _counted(findings: Sequence[Finding]) -> str:
    """
    >>> _counted([Finding("disk", "warning", "Little."), Finding("port", "ok", "Free.")])
    'Of 2 findings 0 are problems and 1 is a warning.'
    """
    problems, warnings = (
        sum(finding.state == state for finding in findings) for state in ("problem", "warning")
    )
    problem = f"{problems} {'is a problem' if problems == 1 else 'are problems'}"
    warning = f"{warnings} {'is a warning' if warnings == 1 else 'are warnings'}"
    return f"Of {len(findings)} findings {problem} and {warning}."


def _sections(findings: Sequence[Finding]) -> Iterator[Section]:
    columns = ("Check", "what was found", "why, and what to do")
    wrong = [
        _table(title, columns, tuple(map(_mended, found)))
        for title, state in (("Problems", "problem"), ("Warnings", "warning"))
        if (found := [one for one in findings if one.state == state])
    ]
    yield Section("What has to be mended?", tuple(wrong) or ("Nothing.",))
    well = tuple((one.check, one.message) for one in findings if one.state == "ok")
    yield Section("What is well?", (_table("In order", ("Check", "what was found"), well),))


def _mended(finding: Finding) -> tuple[Value, ...]:
    found = remedy_of(finding.message)
    cause = found.cause.replace("`", "") if found else ""
    why = f"{cause[:1].upper()}{cause[1:]}." if cause else ""
    see = f"See {finding.see}." if finding.see else ""
    return finding.check, finding.message, " ".join(filter(None, (why, finding.fix, see))) or None


def _table(title: str, columns: Sequence[str], rows: tuple[tuple[Value, ...], ...]) -> Table:
    return Table(title, tuple(Column(name, align="left") for name in columns), rows)


# --- servers and models ----------------------------------------------------------------------


async def _models(settings: Settings, remote: bool) -> list[Part]:
    """Of the two tiers, and of each server around."""
    roster = Roster.of(settings)
    try:
        return [await _of_tiers(roster, remote), await _of_servers(roster, remote)]
    finally:
        await roster.close()


async def _of_tiers(roster: Roster, remote: bool) -> Table:
    rows: list[tuple[Value, ...]] = []
    tiers: tuple[Tier, ...] = ("slm", "llm")
    for tier in tiers:
        await roster.look(tier, remote=remote)
        status = roster.status(tier)
        place = [PLACES[status.reach]] if status.reach else []
        known = [*place, *abilities(status.capabilities or Capabilities())]
        rows.append((tier, status.setting, ", ".join(known) or None))
    return _table("Models of the chat", ("Tier", "model", "known of it"), tuple(rows))


async def _of_servers(roster: Roster, remote: bool) -> Part:
    rows: list[tuple[Value, ...]] = []
    for server in await roster.servers(remote=remote):
        rows += [
            (server.name, model.name, ", ".join(known_of(model)) or None) for model in server.models
        ]
        if server.problem or not server.models:
            rows.append((server.name, None, server.problem or "It has no models."))
    if not rows:
        return "No other model server was found."
    return _table("Servers that were found", ("Server", "model", "known of it"), tuple(rows))


# --- while they run --------------------------------------------------------------------------


async def _running(
    findings: Sequence[Finding], tiers: Sequence[Tier], settings: Settings
) -> tuple[str, list[Section]]:
    """What was measured in a sentence, and the sections of it."""
    unfit = {one.check: one.message for one in findings if one.state != "ok"}
    told: list[str] = []
    async with AsyncExitStack() as opened:
        models: dict[str, ChatModel] = {}
        for tier in tiers:
            try:
                if why := unfit.get(f"{tier} model"):
                    raise SettingsError(why)
                models |= await opened.enter_async_context(models_of([tier]))
            except SettingsError as exc:
                told.append(f"The {tier} model was not measured: {exc}")
        if not models:
            return " ".join(told), []
        seen, sections = await _measured(models, settings)
    return " ".join([seen, *told]), sections


async def _measured(models: dict[str, ChatModel], settings: Settings) -> tuple[str, list[Section]]:
    energy = energy_meter(settings.watts)
    asked = plan(tuple(models), new_mark())
    experiment = Experiment(asked, models, lambda _, model: meter_of(model, energy))
    with progress_bar("Watching", len(cells(asked)), "request") as bar:
        seen = await watched(experiment, bar.update)
    ended = bench(asked, seen.samples)
    return bench_report.summary(ended), [
        Section("What does a model take while it runs?", _drawn(seen)),
        *bench_report.sections(ended, seen.samples),
    ]


def _drawn(seen: Watched) -> tuple[Part, ...]:
    drawn = tuple(charts(seen))
    return (_WATCHED, *drawn) if drawn else (_UNSEEN,)
