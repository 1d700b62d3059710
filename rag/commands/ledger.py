"""``ledger``: what the turns so far took, and what escalation saves; or all of it wiped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from rag.commands.tables import table
from rag.commands.terminal import example, json_option, print_json
from rag.encoding import Json
from rag.measuring.larger import larger_of
from rag.measuring.ledger import LEDGER, Ledger
from rag.measuring.preferences import PREFERENCES, Preferences
from rag.measuring.prices import load_prices
from rag.measuring.savings import Always, Figures, Moved, figures
from rag.measuring.tallies import EnergyFigures
from rag.models.reach import PLACES
from rag.settings import load

_DAY_S = 86_400
_UNITS = (("h", 3_600_000, 1), ("min", 60_000, 1), ("s", 1_000, 1), ("ms", 1, 0))
_UNKNOWN = "unknown"
_LITTLE_USD = 0.001  # the electricity of a turn is far below


@click.command(epilog=example("ledger --days 30", "ledger --wipe"))
@click.option("--days", type=click.IntRange(1, 36_500), help="Only turns of the last so many days.")
@click.option("--wipe", is_flag=True, help="Delete everything in it.")
@click.option("--yes", is_flag=True, help="Wipe without asking.")
@json_option
def ledger(days: int | None, wipe: bool, yes: bool, as_json: bool) -> None:
    """Show how turns were answered, and what escalation saves in time and money.

    The ledger holds figures of each turn and no text. RAG_LEDGER=false switches it off.
    """
    settings = load()
    book = Ledger(settings.data_dir / LEDGER)
    if yes and not wipe:
        raise click.UsageError("--yes goes with --wipe.")
    if wipe:
        _wipe(book, days, yes)
        Preferences(settings.data_dir / PREFERENCES).wipe()
        print_json({"wiped": True}) if as_json else click.echo("The ledger is empty.")
        return
    entries, since = book.entries(), time.time() - days * _DAY_S if days else 0.0
    prices = load_prices(settings.prices, settings.data_dir)
    larger = larger_of(entries, prices, settings.usd_per_kwh)
    found = figures([entry for entry in entries if entry.at >= since], larger)
    if as_json:
        print_json({"recording": settings.ledger, "days": days, **figures_json(found)})
        return
    for line in lines(found):
        click.echo(line)
    for note in found.notes:
        click.echo(note, err=True)
    if not settings.ledger:
        click.echo("RAG_LEDGER is false: new turns are not noted.", err=True)


def _wipe(book: Ledger, days: int | None, yes: bool) -> None:
    if days:
        raise click.UsageError("--wipe deletes everything: leave out --days.")
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("--wipe deletes the ledger: add --yes, as nobody can be asked.")
        click.confirm("Delete all that the ledger holds?", abort=True, err=True)
    book.wipe()


def figures_json(found: Figures) -> Json:
    return {
        **asdict(found),
        "first_at": _moment(found.first_at),
        "last_at": _moment(found.last_at),
    }


# --- for a person ----------------------------------------------------------------------------


def lines(found: Figures) -> Iterator[str]:
    if found.turns:
        yield f"{_turns(found.turns)} from {_moment(found.first_at)} to {_moment(found.last_at)}."
    if found.failed:
        yield f"{_turns(found.failed)} ended without an answer."
    if not found.turns:
        yield from _elsewhere(found)
        return
    if found.auto_turns:
        yield (
            f"{found.auto_turns} in mode auto: {_percent(found.escalation_rate)} escalated, "
            f"{_percent(found.decline_rate)} declined."
        )
    if found.kept:
        yield f"{_turns(found.kept)} where the local answer was taken back."
    yield ""
    yield from table(
        ("route", "turns", "median"),
        [(name, str(each.turns), _time(each.median_ms)) for name, each in found.routes.items()],
    )
    yield from table(
        ("model", "prompt tokens", "completion tokens"),
        [(name, f"{one.prompt:,}", f"{one.completion:,}") for name, one in found.tokens.items()],
    )
    yield from table(
        ("first token", "warm", "turns", "cold", "turns"),
        [
            (name, _time(one.warm_ms), str(one.warm_turns), _time(one.cold_ms), str(one.cold_turns))
            for name, one in found.first_token.items()
        ],
    )
    yield from _elsewhere(found)
    yield from _powered(found.energy)
    yield from _against(found, found.always_llm)
    yield from _if_moved(found, found.thresholds)


def _elsewhere(found: Figures) -> Iterator[str]:
    yield from table(
        ("left this machine", "turns", "prompt tokens", "not counted"),
        [
            (PLACES[reach], str(one.turns), f"{one.prompt_tokens:,}", _turns(one.uncounted_turns))
            for reach, one in found.left.items()
        ],
    )


def _powered(energy: EnergyFigures | None) -> Iterator[str]:
    if energy and energy.wh is not None:
        how = " and ".join(energy.sources)
        yield f"Models here took {_watt_hours(energy.wh)} in {_turns(energy.turns)} ({how})."
        yield ""


def _against(found: Figures, always: Always | None) -> Iterator[str]:
    rows = [("as it was", _time(found.ms), _money(found.usd))]
    if always:
        rows += [
            (f"always {always.model}", _time(always.ms), _money(always.usd)),
            ("saved", _time(always.saved_ms), _money(always.saved_usd)),
        ]
    yield from table(("all turns", "time", "money"), rows)
    if always:
        yield f"Estimated from {_turns(always.from_turns)} that {always.model} answered."
        yield ""


def _if_moved(found: Figures, thresholds: Sequence[Moved]) -> Iterator[str]:
    if not thresholds:
        return
    now = (_percent(found.escalation_rate), _time(found.auto_ms), _money(found.auto_usd))
    moved = (
        (f"{one.threshold:.1f}", _percent(one.escalation_rate), _time(one.ms), _money(one.usd))
        for one in thresholds
    )
    yield from table(("threshold", "escalated", "time", "money"), [("as it was", *now), *moved])


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count:,} turns"


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _percent(share: float | None) -> str:
    return _UNKNOWN if share is None else f"{share:.0%}"


def _time(ms: float | None) -> str:
    if ms is None:
        return _UNKNOWN
    name, unit_ms, digits = next(unit for unit in _UNITS if abs(ms) >= unit[1] or unit[1] == 1)
    return f"{ms / unit_ms:,.{digits}f} {name}"


def _watt_hours(wh: float) -> str:
    return f"{wh:,.1f} Wh" if wh >= 1 else f"{wh:.3g} Wh"


def _money(usd: float | None) -> str:
    if usd is None:
        return _UNKNOWN
    return f"{usd:,.7f} USD" if 0 < abs(usd) < _LITTLE_USD else f"{usd:,.4f} USD"
