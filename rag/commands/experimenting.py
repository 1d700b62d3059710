"""An experiment from the command line: models and a plan in; samples, kept as they come, out.

What ``compare`` and ``bench`` share.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from rag.commands.tables import table as in_columns
from rag.commands.terminal import progress_bar
from rag.errors import ExperimentError, SettingsError
from rag.measuring import samples
from rag.measuring.experiment import Experiment, cells
from rag.measuring.reports.figures import in_heading, text
from rag.measuring.reports.values import Column, Table
from rag.measuring.samples import Plan, Sample
from rag.models.chat import ChatModel
from rag.models.foundry.model import is_folder
from rag.roster import Roster
from rag.settings import Settings, load
from rag.types import Device, Tier

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_ON_DEVICE = re.compile(r"(foundry:.+) \((cpu|gpu|npu)\)")
_TIERS: tuple[Tier, ...] = ("slm", "llm")

samples_option = click.option(
    "--samples", "samples_file", type=NEW_FILE, metavar="FILE", help="Keep every sample here."
)
resume_option = click.option(
    "--resume", type=FILE, metavar="FILE", help="Go on with the run kept here."
)


@dataclass(frozen=True, slots=True)
class Run:
    """A plan, and what is there of it already."""

    plan: Plan
    kept: Path
    done: tuple[Sample, ...] = ()


@contextmanager
def bad_input() -> Iterator[None]:
    try:
        yield
    except ExperimentError as exc:
        raise click.UsageError(str(exc)) from exc


def new_run(plan: Plan, name: str, wanted: Path | None = None) -> Run:
    """Kept in ``wanted``, or in the data folder. Raises ExperimentError."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    kept = wanted or load().data_dir / "experiments" / f"{name}-{now}.jsonl"
    samples.begin(kept, plan)
    return Run(plan, kept)


def old_run(kept: Path) -> Run:
    """Goes on as it was planned; what failed is asked again. Raises ExperimentError."""
    plan, found = samples.read(kept)
    failed = {sample.cell for sample in found if sample.error}
    return Run(plan, kept, tuple(one for one in found if one.cell not in failed))


def new_mark() -> str:
    """For a plan whose requests must not be answered from a prefix cache."""
    return secrets.token_hex(2)


def on_devices(names: Sequence[str], devices: Sequence[Device]) -> list[str]:
    """Each alias of Foundry Local once for each device, as ``models_of`` understands it; a folder
    says itself where it runs.

    >>> on_devices(["slm", "foundry:phi-4-mini"], ["cpu", "gpu"])
    ['slm', 'foundry:phi-4-mini (cpu)', 'foundry:phi-4-mini (gpu)']
    """
    found = []
    for name in names:
        home, _, model = name.partition(":")
        is_alias = home == "foundry" and not is_folder(model)
        found += [f"{name} ({device})" for device in devices] if is_alias and devices else [name]
    return found


@asynccontextmanager
async def models_of(names: Sequence[str]) -> AsyncIterator[dict[str, ChatModel]]:
    """Each model by its setting as it is resolved; ``slm`` and ``llm`` stand for the tiers.

    Raises SettingsError for a setting that names no model, and for one on another machine while
    those may not be asked.
    """
    settings = load()
    async with AsyncExitStack() as closing:
        found = {}
        for name in names:
            setting, device = _parted(name)
            of_device = settings.model_copy(update={"foundry_ep": device}) if device else settings
            roster = Roster.of(of_device)
            closing.push_async_callback(roster.close)
            resolved, model = await _resolved(setting, roster, settings)
            found[f"{resolved} ({device})" if device else resolved] = model
        yield found


def _parted(name: str) -> tuple[str, str]:
    """A setting, and the device it is to run on, if that is said."""
    said = _ON_DEVICE.fullmatch(name)
    return (said[1], said[2]) if said else (name, "")


async def _resolved(name: str, roster: Roster, settings: Settings) -> tuple[str, ChatModel]:
    tier = next((tier for tier in _TIERS if tier == name), None)
    found = await roster.resolve(tier or "slm", None if tier else name)
    if found.model is None:
        raise SettingsError(f"{name} is no model: {found.reason}")
    if found.model.reach != "machine" and not settings.allow_remote:
        raise SettingsError(
            f"{found.setting} is on another machine, and nobody is asked here: set "
            "RAG_ALLOW_REMOTE=true."
        )
    return str(found.setting), found.model


async def carried_out(run: Run, experiment: Experiment) -> tuple[Sample, ...]:
    """All samples, old and new. Ctrl-C ends it; what had come is kept."""
    click.echo(f"Kept as it comes in {run.kept}: --resume goes on with it.", err=True)
    done = {sample.cell for sample in run.done}
    left = sum(cell not in done or not cell.round for cell in cells(run.plan))
    found = list(run.done)
    with progress_bar("Asking", left, "request") as bar:
        async with aclosing(experiment.run(done)) as new:
            async for cell in new:
                samples.append(run.kept, cell)
                found += cell
                bar.update()
                tell_failure(cell)
    return tuple(found)


def lines(table: Table) -> Iterator[str]:
    """A report's table for a terminal."""
    head = [_heading(column) for column in table.columns]
    rows = [
        [text(value, column.unit) for column, value in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    yield from in_columns(head, rows)
    yield table.note


def _heading(column: Column) -> str:
    unit = in_heading(column.unit)
    return f"{column.title}, {unit}" if unit else column.title


def tell_failure(cell: Sequence[Sample]) -> None:
    for sentence in dict.fromkeys(sample.error for sample in cell if sample.error):
        click.echo(f"{cell[0].cell.model}: {sentence}", err=True)
