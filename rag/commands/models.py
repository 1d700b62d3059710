"""``models`` and ``serve``: what the tiers are, an embedded model's files, and its server alone."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from rag.commands import browser, foundry
from rag.commands.terminal import (
    example,
    json_option,
    print_json,
    progress_shown,
    remote_option,
    run,
)
from rag.doctor import ALLOW
from rag.encoding import Json
from rag.models import weights
from rag.models.discovery import FoundServer
from rag.models.embedded import server
from rag.models.embedded.convert import prepared
from rag.models.embedded.home import EmbeddedHome
from rag.models.embedded.running import RunningServer
from rag.models.facts import known_of
from rag.models.weights import WEIGHTS, Installed
from rag.roster import Roster, TierStatus
from rag.settings import Settings, load
from rag.types import Tier

TIERS: tuple[Tier, ...] = ("slm", "llm")
MB = 1_000_000

name_argument = click.argument("name", callback=foundry.model_name, metavar="NAME")
files_argument = click.argument("name", callback=browser.model_name, metavar="NAME")


@click.group(
    invoke_without_command=True,
    epilog=example("models", "models pull qwen2.5-coder-1.5b"),
)
@remote_option
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool, remote: bool) -> None:
    """Show each tier's model, the servers found and the embedded models; fetch or remove one."""
    if context.invoked_subcommand is None:
        show(as_json, remote)


@run
async def show(as_json: bool, remote: bool) -> None:
    settings = load()
    roster = Roster.of(settings)
    try:
        for tier in TIERS:
            await roster.look(tier, remote=remote)
        tiers = [roster.status(tier) for tier in TIERS]
        await roster.servers(remote=remote)
        servers = await roster.probed()
    finally:
        await roster.close()
    embedded = weights.installed(settings.data_dir)
    if as_json:
        print_json(
            {
                "tiers": [tier_json(status) for status in tiers],
                "servers": [server_json(found) for found in servers],
                "embedded": [embedded_json(one) for one in embedded],
                "browser": browser.listed_json(settings.data_dir),
                "foundry": foundry.fetched_json(settings.data_dir),
            }
        )
        return
    for status in tiers:
        click.echo(f"{status.tier.upper()}  {status.setting or status.state}: {status.sentence}")
    click.echo("\nModel servers:" if servers else "\nNo other model server was found.")
    for found in servers:
        show_server(found)
    click.echo("\nEmbedded models:")
    for one in embedded:
        click.echo(f"  {one.name:<20} {_embedded_line(one)}")
    foundry.show(settings.data_dir)
    browser.show(settings.data_dir)


def show_server(server: FoundServer) -> None:
    version = f" ({server.version})" if server.version else ""
    hint = f" {ALLOW}" if server.is_left_alone else ""
    click.echo(f"  {server.name}{version}{f': {server.problem}{hint}' if server.problem else ''}")
    for model in server.models:
        known = ", ".join(known_of(model))
        click.echo(f"    {server.setting(model)}{f'  ({known})' if known else ''}")


models.add_command(foundry.foundry)


@models.command(
    epilog=example(
        "models pull qwen2.5-coder-1.5b",
        "models pull foundry:phi-4-mini",
        "models pull browser:smollm2-135m-q8_0",
    )
)
@files_argument
@json_option
def pull(name: str, as_json: bool) -> None:
    """Fetch a model now and prepare it for this machine or, as browser:NAME, for browsers."""
    if name.startswith(foundry.PREFIX):
        foundry.pull(name, as_json)
        return
    started = time.monotonic()
    with progress_shown() as on_progress:
        data_dir = load().data_dir
        if name.startswith(browser.PREFIX):
            folder = browser.pull(name, data_dir, on_progress)
        else:
            folder = prepared(WEIGHTS[name], weights.models_folder(data_dir), on_progress)
    if as_json:
        seconds = time.monotonic() - started
        print_json({"pulled": name, "folder": str(folder), "seconds": seconds})
    else:
        click.echo(f"{name} is ready to be used.")


@models.command(
    epilog=example("models remove qwen2.5-coder-1.5b", "models remove browser:smollm2-135m-q8")
)
@files_argument
@json_option
def remove(name: str, as_json: bool) -> None:
    """Delete everything of a model; it is fetched again when it is next needed.

    Of browser:NAME only what was made goes, not the embedded model's file that it was made of.
    """
    if name.startswith(foundry.PREFIX):
        freed = foundry.remove(name)
    elif name.startswith(browser.PREFIX):
        freed = browser.remove(name, load().data_dir)
    else:
        freed = weights.remove(name, load().data_dir)
    if as_json:
        print_json({"removed": name, "freed_bytes": freed})
    else:
        click.echo(f"{name} is removed: {freed / MB:.0f} MB are free now.")


@models.command(epilog=example("models unload qwen2.5-coder-1.5b"))
@name_argument
@json_option
def unload(name: str, as_json: bool) -> None:
    """Stop the process of a model, and so free its memory; it starts again when it is needed."""
    is_foundry = name.startswith(foundry.PREFIX)
    ran = foundry.unload(name) if is_foundry else EmbeddedHome(load().data_dir).unload(name)
    if as_json:
        print_json({"unloaded": name, "was_loaded": ran})
    else:
        click.echo(f"{name} is unloaded." if ran else f"{name} was not loaded.")


@click.command(
    epilog=example("serve qwen2.5-coder-0.5b --port 8088", "serve foundry:/path/to/onnx-folder")
)
@click.argument("model", callback=foundry.model_name, metavar="MODEL")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0, or left out: any.")
@json_option
def serve(model: str, port: int, as_json: bool) -> None:
    """Run a model as an OpenAI-compatible server for other programs.

    MODEL is an embedded model, foundry:ALIAS of the catalogue of Foundry Local, or foundry:FOLDER
    with a model for ONNX Runtime GenAI. It listens on this machine only, wants no key, and runs
    until you stop it. Chats and commands with the same data folder use it, too.
    """

    def tell(running: RunningServer) -> None:
        if as_json:
            print_json({"model": running.model, "base_url": running.base_url})
        else:
            click.echo(f"{running.model} is served at {running.base_url} (stop it with Ctrl-C).")

    if model.startswith(foundry.PREFIX):
        foundry.serve(model, port, tell)
        return
    settings = load()
    with progress_shown() as on_progress:
        folder = prepared(WEIGHTS[model], weights.models_folder(settings.data_dir), on_progress)
    server.serve(
        model,
        folder,
        context_tokens=WEIGHTS[model].context_tokens,
        port=port,
        run_file=_run_file(settings, model),
        on_listening=tell,
    )


def _run_file(settings: Settings, model: str) -> Path | None:
    """Where others look for a server of this model; None where they have one already."""
    runs = EmbeddedHome(settings.data_dir).running(model) is not None
    return None if runs else settings.data_dir / "run" / f"{model}.json"


def tier_json(status: TierStatus) -> Json:
    return {
        "tier": status.tier,
        "setting": status.setting,
        "model": status.model,
        "state": status.state,
        "sentence": status.sentence,
        "reach": status.reach,
        "capabilities": asdict(status.capabilities) if status.capabilities else None,
    }


def server_json(server: FoundServer) -> Json:
    return {
        "kind": server.kind,
        "address": server.base_url,
        "reach": server.reach,
        "version": server.version,
        "added": server.is_added,
        "problem": server.problem,
        "models": [
            {
                "name": model.name,
                "setting": server.setting(model),
                "purpose": model.purpose,
                "parameters_b": model.parameters_b,
                "size_bytes": model.size_bytes,
                "context_tokens": model.context_tokens,
                "loaded": model.is_loaded,
                "hosted": model.is_hosted,
                "capabilities": asdict(model.capabilities) if model.capabilities else None,
            }
            for model in server.models
        ],
    }


def embedded_json(one: Installed) -> Json:
    known = WEIGHTS[one.name]
    return {
        "name": one.name,
        "title": known.title,
        "licence": known.licence,
        "size_bytes": known.size_bytes,
        "context_tokens": known.context_tokens,
        "best_passages": known.best_passages,
        "downloaded": one.downloaded,
        "converted": one.converted,
        "disk_bytes": one.size_bytes,
    }


def _embedded_line(one: Installed) -> str:
    known = WEIGHTS[one.name]
    if one.converted:
        state = f"ready, {one.size_bytes / MB:.0f} MB on disk"
    elif one.downloaded:
        state = "downloaded, prepared when it is first used"
    else:
        state = f"not downloaded, {known.size_bytes / MB:.0f} MB"
    return f"{state}; {known.title}, {known.licence}"
