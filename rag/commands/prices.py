"""``prices``: what models cost, where that is from and how old it is; electricity, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from rag.commands.tables import table
from rag.commands.terminal import example, json_option, print_json
from rag.encoding import Json
from rag.errors import SettingsError
from rag.measuring.energy import Meter, meter_of
from rag.measuring.prices import PRICES, SHIPPED, Listed, Prices, load_prices
from rag.models import tiers
from rag.models.reach import reach_of
from rag.settings import Settings, load


@click.command(epilog=example("prices", "prices --copy"))
@click.option("--copy", "copying", is_flag=True, help="Put a copy to edit into the data folder.")
@json_option
def prices(copying: bool, as_json: bool) -> None:
    """List what models on other machines cost, and how the energy of those on this one is known.

    US dollars for a million tokens. The first that fits a model and its address counts; a price
    that was checked over a year ago does not.
    """
    settings = load()
    own = settings.data_dir / PRICES
    if copying:
        _copy(own)
    found, meter = load_prices(settings.prices, settings.data_dir), meter_of(settings.watts)
    notes = tuple(_notes(settings, found))
    if as_json:
        print_json(_json(settings, found, meter, notes))
        return
    for line in _lines(settings, found, meter):
        click.echo(line)
    for note in notes:
        click.echo(note, err=True)


def _copy(own: Path) -> None:
    """Raises SettingsError where there is one already."""
    if own.exists():
        raise SettingsError(f"There is a list already: {own}. Edit that one, or move it away.")
    try:
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SHIPPED, own)
    except OSError as exc:
        raise SettingsError(f"The list cannot be copied to {own}: {exc.strerror}.") from exc
    click.echo(f"Copied to {own}: what it lists counts from the next start on.", err=True)


def _notes(settings: Settings, found: Prices) -> Iterator[str]:
    """What is set and costs an unknown amount, or rests on old prices, a sentence each."""
    for written in dict.fromkeys((settings.slm, settings.llm)):
        setting = tiers.parse(written)
        address = setting.base_url
        if not (address and setting.model) or reach_of(address) == "machine":
            continue
        if found.find(setting.model, address) is None:
            yield (
                f"{setting} has no price that counts, so what it costs is not known: set "
                f"RAG_PRICES={setting.model}=prompt/completion, or edit a copy of the list: --copy."
            )
    old = [one.model for one in found.listed if not one.counts(found.today)]
    if old:
        yield f"Checked over a year ago, and not counted: {', '.join(old)}."


def _lines(settings: Settings, found: Prices, meter: Meter) -> Iterator[str]:
    rows = [
        (
            one.model,
            f"{one.price.prompt_usd:g}",
            f"{one.price.completion_usd:g}",
            one.provider,
            _checked(one, found),
            one.origin,
        )
        for one in found.listed
    ]
    yield from table(("model", "prompt", "completion", "at", "checked", "from"), rows)
    yield "US dollars for a million tokens. Check before relying on it:"
    sources = {one.source: one.provider for one in found.listed if one.source}
    yield from (f"  {provider}: {source}" for source, provider in sources.items())
    yield ""
    yield meter.sentence
    if settings.usd_per_kwh is None:
        yield "Electricity has no price, so models here cost nothing: RAG_USD_PER_KWH sets one."
    else:
        yield f"Electricity costs {settings.usd_per_kwh:g} USD a kWh (RAG_USD_PER_KWH)."


def _checked(one: Listed, found: Prices) -> str:
    if one.checked is None:
        return "by you"
    return f"{one.checked}" if one.counts(found.today) else f"{one.checked}, too old"


def _json(settings: Settings, found: Prices, meter: Meter, notes: tuple[str, ...]) -> Json:
    return {
        "prices": [_price_json(one, found) for one in found.listed],
        "energy": {
            "watts": settings.watts,
            "usd_per_kwh": settings.usd_per_kwh,
            "is_known": meter.is_known,
            "sentence": meter.sentence,
        },
        "notes": list(notes),
    }


def _price_json(one: Listed, found: Prices) -> Json:
    return {
        "model": one.model,
        "prompt_usd": one.price.prompt_usd,
        "completion_usd": one.price.completion_usd,
        "provider": one.provider,
        "hosts": list(one.hosts),
        "source": one.source,
        "checked": one.checked and one.checked.isoformat(),
        "age_days": one.checked and (found.today - one.checked).days,
        "counts": one.counts(found.today),
        "from": one.origin,
    }
