"""``tco``: traffic and prices in; what each design costs over months, out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rag.commands.experimenting import lines
from rag.commands.reporting import keep, report_option, reported
from rag.commands.terminal import example, json_option, print_json
from rag.encoding import Json
from rag.measuring.assumptions import Assumed, Given, Set, assume
from rag.measuring.ledger import LEDGER, Ledger
from rag.measuring.prices import load_prices
from rag.measuring.reports.tco import (
    assumptions,
    changes,
    life,
    month,
    sections,
    summary,
    told_break_even,
)
from rag.measuring.tco import (
    DESIGNS,
    Basis,
    Bill,
    Design,
    Role,
    bill,
    break_even,
    busy_share,
    mix,
    over_rates,
    parity_rate,
    turn_usd,
    with_tokens_at,
)
from rag.measuring.traffic import Observed, observed
from rag.models import tiers
from rag.models.reach import reach_of
from rag.settings import Settings, load

_DAY_S = 86_400


class Amount(click.FloatRange):
    """At least 0; NaN, which click takes for a number, is refused."""

    def __init__(self, low: float = 0.0, high: float = 1e12, *, above: bool = False) -> None:
        super().__init__(low, high, min_open=above)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        amount = float(super().convert(value, param, ctx))
        if math.isnan(amount):
            self.fail(f"{value} is not a number.", param, ctx)
        return amount


@click.command(
    epilog=example("tco --report costs.html", "tco --turns 20000 --rate 0.2 --large gpt-4.1-mini")
)
@click.option("--days", type=click.IntRange(1, 36_500), help="Of the ledger, only the last days.")
@click.option("--no-ledger", is_flag=True, help="Leave the ledger out: all traffic is assumed.")
@click.option("--turns", type=Amount(), help="Turns a month.")
@click.option("--rate", type=Amount(0, 1), help="Share of turns that are escalated, 0 to 1.")
@click.option("--prompt-tokens", type=Amount(), help="Tokens a model reads for a turn.")
@click.option("--completion-tokens", type=Amount(), help="Tokens it writes.")
@click.option("--small", metavar="MODEL", help="Of the price list, or here for this machine.")
@click.option("--large", metavar="MODEL", help="Likewise.")
@click.option("--cloud", metavar="MODEL", help="Of the price list: what all is compared with.")
@click.option("--small-seconds", type=Amount(), help="The small model works on a turn, here.")
@click.option("--large-seconds", type=Amount(), help="The larger one, here.")
@click.option("--watts", type=Amount(), help="Taken while a model works here; RAG_WATTS.")
@click.option("--idle-watts", type=Amount(), help="Taken day and night besides; 0.")
@click.option("--usd-per-kwh", type=Amount(), help="Price of electricity; RAG_USD_PER_KWH.")
@click.option("--hardware-usd", type=Amount(), help="What the machine costs; 0 if it is there.")
@click.option("--years", type=Amount(above=True), help="How long it is used.")
@report_option
@json_option
def tco(
    *,
    days: int | None,
    no_ledger: bool,
    turns: float | None,
    rate: float | None,
    prompt_tokens: float | None,
    completion_tokens: float | None,
    small: str | None,
    large: str | None,
    cloud: str | None,
    small_seconds: float | None,
    large_seconds: float | None,
    watts: float | None,
    idle_watts: float | None,
    usd_per_kwh: float | None,
    hardware_usd: float | None,
    years: float | None,
    report_file: Path | None,
    as_json: bool,
) -> int:
    """Say what hybrid costs a month, against one model alone and against the cloud.

    What the options do not say is read from the ledger, the settings and the list of prices; what
    nobody tells is assumed. A table says which is which.
    """
    if cloud == "here":
        raise click.UsageError("--cloud names a model of the price list: here is not the cloud.")
    settings = load()
    seen = _seen(settings, days) if not no_ledger else observed(())
    given = Given(
        turns,
        rate,
        prompt_tokens,
        completion_tokens,
        {"small": small, "large": large, "cloud": cloud},
        {"small": small_seconds, "large": large_seconds},
        watts,
        idle_watts,
        usd_per_kwh,
        hardware_usd,
        years,
    )
    found = assume(given, seen, _set(settings), load_prices(settings.prices, settings.data_dir))
    if report_file:
        title = "What does it cost to answer here, and what in the cloud?"
        keep(reported(title, summary(found), sections(found)), report_file)
    print_json(tco_json(found)) if as_json else _show(found)
    return 0


def _seen(settings: Settings, days: int | None) -> Observed:
    since = time.time() - days * _DAY_S if days else 0.0
    entries = Ledger(settings.data_dir / LEDGER).entries()
    return observed([entry for entry in entries if entry.at >= since])


def _set(settings: Settings) -> Set:
    """Raises SettingsError for a model's setting that makes no sense."""
    elsewhere: dict[Role, tuple[str, str]] = {}
    written: Mapping[Role, str] = {"small": settings.slm, "large": settings.llm}
    for role, text in written.items():
        setting = tiers.parse(text)
        if setting.model and setting.base_url and reach_of(setting.base_url) != "machine":
            elsewhere[role] = (setting.model, setting.base_url)
    return Set(settings.watts, settings.usd_per_kwh, elsewhere)


def _show(found: Assumed) -> None:
    for line in _told(found):
        click.echo(line)
    for note in found.notes:
        click.echo(note, err=True)


def _told(found: Assumed) -> Iterator[str]:
    yield summary(found)
    basis = found.basis
    for table in (month(basis), life(basis), changes(basis), assumptions(found)):
        *rows, note = lines(table)
        yield from ("", table.title, *rows)
        if note:
            yield note


def tco_json(found: Assumed) -> Json:
    """The shape is promised in docs/tco.md."""
    basis = found.basis
    return {
        "assumptions": [asdict(row) for row in found.rows],
        "designs": {design: _design_json(basis, design) for design in DESIGNS},
        "over_rate": [{"rate": rate, "usd": usd} for rate, usd in over_rates(basis, "hybrid")],
        "dearer_above_rate": {
            "large": parity_rate(basis, "large"),
            "cloud": parity_rate(basis, "cloud"),
        },
        "tokens_at": {
            f"{factor:g}": _changed_json(with_tokens_at(basis, factor)) for factor in (0.5, 2.0)
        },
        "notes": list(found.notes),
    }


def _design_json(basis: Basis, design: Design) -> Json:
    meets = break_even(basis, design)
    told: Json = {
        "goes_a_turn": dict(mix(design, basis.escalation_rate)),
        "turn_usd": turn_usd(basis, design),
        "month": _bill_json(bill(basis, design)),
        "life": _bill_json(bill(basis, design, basis.life_months)),
        "busy_share": busy_share(basis, design),
        "break_even": None,
    }
    if design != "cloud":
        sentence = told_break_even(design, meets)
        told["break_even"] = {**asdict(meets), "sentence": sentence}
    return told


def _bill_json(cost: Bill) -> Json:
    return {**asdict(cost), "total_usd": cost.total_usd}


def _changed_json(basis: Basis) -> Json:
    return {
        "month_usd": {design: bill(basis, design).total_usd for design in DESIGNS},
        "break_even": asdict(break_even(basis, "hybrid")),
    }
