"""Foundry Local's part of ``models`` and ``serve``: its catalogue, what was fetched, its server."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from rag.commands.terminal import example, json_option, print_json, progress_shown
from rag.encoding import Json
from rag.errors import SettingsError
from rag.models.embedded.running import RunningServer
from rag.models.embedded.server import serve_engine
from rag.models.foundry import catalogue, sdk, source
from rag.models.foundry.folder import opened
from rag.models.foundry.home import FoundryHome
from rag.models.foundry.model import is_folder, of_setting
from rag.models.foundry.offers import Catalogue, Offered
from rag.models.foundry.server import foundry_engine
from rag.models.foundry.source import Pulled
from rag.models.weights import WEIGHTS
from rag.settings import load
from rag.types import Device

PREFIX = "foundry:"
MB = 1_000_000


def model_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """A name of the embedded catalogue, or ``foundry:`` and what it knows."""
    if value in WEIGHTS or (value.startswith(PREFIX) and value != PREFIX):
        return value
    choices = ", ".join([*WEIGHTS, "foundry:phi-4-mini"])
    raise click.BadParameter(f"{value!r} is not one of {choices}.")


@click.command(epilog=example("models foundry", "models foundry --register"))
@click.option("--register", is_flag=True, help="Fetch the execution providers of this machine.")
@json_option
def foundry(register: bool, as_json: bool) -> None:
    """List the catalogue of Foundry Local, with sizes and licences.

    It is asked over the network; without one, what has been fetched is listed.
    """
    settings = load()
    if register:
        with progress_shown() as on_progress:
            catalogue.register((), settings.data_dir, on_progress)
    found = catalogue.listed(settings.data_dir)
    if as_json:
        print_json(_catalogue_json(found))
        return
    for one in found.models:
        click.echo(f"  {PREFIX}{one.alias:<24} {_offered_line(one, settings.foundry_ep)}")
    for provider in found.providers:
        state = "ready" if provider.is_registered else "not fetched: --register does"
        click.echo(f"  execution provider {provider.name}: {state}")
    if found.sentence:
        click.echo(found.sentence, err=True)


def show(data_dir: Path) -> None:
    """What ``models`` says of it, without asking anybody."""
    if not sdk.is_installed():
        return
    click.echo("\nFoundry Local, in this program (its catalogue: python -m rag models foundry):")
    fetched = source.noted(data_dir)
    for one in fetched:
        state = "ready" if one.is_complete else "begun to be fetched"
        size = f"{one.size_bytes / MB:.0f} MB"
        click.echo(f"  {PREFIX}{one.alias:<24} {state}, {size}; {one.device}, {one.licence}")
    if not fetched:
        click.echo("  None was fetched yet: python -m rag models pull foundry:phi-4-mini")


def fetched_json(data_dir: Path) -> Json:
    return {
        "installed": sdk.is_installed(),
        "models": [_pulled_json(one) for one in source.noted(data_dir)],
    }


def pull(setting: str, as_json: bool) -> None:
    settings, started = load(), time.monotonic()
    alias = _alias(setting)
    with progress_shown() as on_progress:
        model = catalogue.pull(alias, settings.data_dir, on_progress, device=settings.foundry_ep)
    if as_json:
        seconds = time.monotonic() - started
        print_json({"pulled": setting, "folder": str(model.folder), "seconds": seconds})
    else:
        click.echo(f"{setting} is ready to be used ({model.licence}, for the {model.device}).")


def remove(setting: str) -> int:
    """The bytes that are free now."""
    return source.remove(_alias(setting), load().data_dir)


def unload(setting: str) -> bool:
    """Whether a server of it, on whichever device, ran."""
    data_dir, model = load().data_dir, setting.removeprefix(PREFIX)
    if is_folder(model):
        keys = [source.of_folder(opened(Path(model))).key]
    else:
        found = [one for one in source.pulled(data_dir) if one.alias == model]
        keys = [source.of_pulled(one).key for one in found]
    home = FoundryHome(data_dir)
    return sum(home.unload(key) for key in keys) > 0  # each, not only up to the first


def serve(setting: str, port: int, on_listening: Callable[[RunningServer], None]) -> None:
    settings = load()
    with progress_shown() as on_progress:
        model = of_setting(
            setting.removeprefix(PREFIX),
            settings.data_dir,
            on_progress,
            device=settings.foundry_ep,
        )
    runs = FoundryHome(settings.data_dir).running(model.key) is not None
    serve_engine(
        foundry_engine(model, settings.data_dir),
        port=port,
        run_file=None if runs else settings.data_dir / "run" / f"{model.key}.json",
        on_listening=on_listening,
    )


def _alias(setting: str) -> str:
    alias = setting.removeprefix(PREFIX)
    if is_folder(alias):
        raise SettingsError("A folder is used where it is: there is nothing to fetch or remove.")
    return alias


def _catalogue_json(found: Catalogue) -> Json:
    return {
        "models": [asdict(one) | {"variants": _variants_json(one)} for one in found.models],
        "execution_providers": [
            {"name": one.name, "registered": one.is_registered} for one in found.providers
        ],
        "sentence": found.sentence,
    }


def _variants_json(one: Offered) -> Sequence[Json]:
    return [
        {
            "id": variant.id,
            "device": variant.device,
            "execution_provider": variant.execution_provider,
            "size_bytes": variant.size_bytes,
            "downloaded": variant.is_pulled,
        }
        for variant in one.variants
    ]


def _pulled_json(one: Pulled) -> Json:
    return {
        "name": one.alias,
        "variant": one.id,
        "device": one.device,
        "execution_provider": one.execution_provider,
        "licence": one.licence,
        "size_bytes": one.size_bytes,
        "downloaded": one.is_complete,
    }


def _offered_line(one: Offered, device: Device) -> str:
    chosen = one.variant(device)
    if chosen is None:
        made_for = ", ".join(sorted({variant.device for variant in one.variants}))
        return f"not for the {device}, only: {made_for}; {one.licence}"
    state = "ready" if chosen.is_pulled else "not downloaded"
    size = f"{chosen.size_bytes / MB:.0f} MB"
    return f"{state}, {size}; {chosen.device} ({chosen.execution_provider}), {one.licence}"
