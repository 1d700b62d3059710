"""Is everything there that a question needs? Settings in, one finding after another out: of this
machine, of the model servers around, and of each tier's model.

It downloads nothing, stops what it started, and knows no front end.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from rag import examining
from rag.errors import RagError, SettingsError
from rag.folder import digest
from rag.machine import Finding, machine
from rag.models.chat import ChatModel
from rag.models.discovery import NOT_ASKED, FoundServer
from rag.models.embedded.convert import is_converted
from rag.models.facts import abilities, described
from rag.models.reach import PLACES
from rag.models.weights import WEIGHTS, models_folder
from rag.roster import Roster
from rag.settings import Settings
from rag.troubleshooting import action
from rag.types import GenerationOptions, Message, Reach, Tier

MB = 1_000_000
TIERS: tuple[Tier, ...] = ("slm", "llm")
ALLOW = "The option --remote asks it."
LISTED = 8  # models of a server that are named; the others are counted


async def examine(settings: Settings, *, remote: bool = False) -> AsyncGenerator[Finding]:
    """The machine first, then servers and models; raises SettingsError where a tier makes no
    sense. Servers on other machines are sent nothing unless the settings or ``remote`` allow it.
    """
    for finding in machine(settings):
        yield finding
    roster = Roster.of(settings)
    try:
        async with aclosing(models(settings, roster, remote=remote)) as findings:
            async for finding in findings:
                yield finding
    finally:
        await roster.close()


async def models(
    settings: Settings, roster: Roster, *, remote: bool = False, asks: bool = True
) -> AsyncGenerator[Finding]:
    """Servers and models alone. ``asks`` False, of a roster at work: no model is asked or started,
    and its own go on."""
    servers = await roster.servers(remote=remote)
    if asks:
        servers = await roster.probed()
    if not servers:
        yield Finding("server", "ok", "No other model server was found on this machine.")
    for server in servers:
        yield _server(server)
    for finding in examining.foundry(settings):
        yield finding
    for tier in TIERS:
        finding = await _tier(roster, tier, settings, remote, asks)
        yield _placed(finding, roster.status(tier).reach)
        for finding in examining.price(tier, await _model(roster, tier), settings):
            yield finding
    yield examining.energy(settings)


# --- servers


def _server(server: FoundServer) -> Finding:
    if server.is_left_alone:
        return Finding("server", "ok", f"{server.name}: {server.problem} {ALLOW}")
    if server.problem:
        return Finding(
            "server", "warning", f"{server.name}: {server.problem}", action(server.problem)
        )
    version = f" ({server.version})" if server.version else ""
    named = [described(model) for model in server.models[:LISTED]]
    if left := len(server.models) - len(named):
        named.append(f"and {left} more")
    models = ", ".join(named) or "no models"
    return Finding("server", "ok", f"{server.name}{version} has {models}.")


# --- tiers


async def _tier(
    roster: Roster, tier: Tier, settings: Settings, remote: bool, asks: bool
) -> Finding:
    """The small model must answer a question; of the larger one it is enough that it is there."""
    check = f"{tier} model"
    await (roster.look(tier, remote=remote) if asks else roster.resolve(tier))
    status = roster.status(tier)
    if status.state == "failed":
        fix = f"Correct RAG_{tier.upper()}, or start its server."
        return Finding(check, "problem", status.sentence, fix)
    found = await roster.resolve(tier)
    if status.setting.startswith("embedded:"):
        unfit = _embedded(check, status.model, settings)
        if unfit is not None:
            return replace(unfit, message=f"{found.reason} {unfit.message}")
    if status.sentence.endswith(NOT_ASKED):
        return Finding(check, "ok", f"{status.sentence} {ALLOW}")
    if asks and tier == "slm" and found.model is not None:
        return await _answer(check, found.model, found.reason)
    return Finding(check, "ok", status.sentence)


async def _model(roster: Roster, tier: Tier) -> ChatModel | None:
    try:
        return (await roster.resolve(tier)).model
    except SettingsError:  # told already
        return None


def _placed(finding: Finding, reach: Reach | None) -> Finding:
    """Says so where questions and passages would leave this machine."""
    if reach is None or reach == "machine":
        return finding
    return replace(finding, message=f"{finding.message} It is {PLACES[reach]}.")


def _embedded(check: str, model: str, settings: Settings) -> Finding | None:
    """What hinders an embedded model from starting at once; None: nothing."""
    known, folder = WEIGHTS[model], models_folder(settings.data_dir)
    if is_converted(folder / model, known.sha256):
        return None
    pull = f"python -m rag models pull {model}"
    file = folder / f"{model}.gguf"
    if not file.exists():
        return Finding(
            check,
            "warning",
            f"{model} is not here yet.",
            f"{known.size_bytes / MB:.0f} MB are fetched at first need, or now by: {pull}",
        )
    if digest(file) != known.sha256:
        return Finding(
            check, "problem", f"The file of {model} is damaged.", f"Delete {file}, then run: {pull}"
        )
    return Finding(
        check,
        "warning",
        f"{model} is fetched, but not prepared yet.",
        f"That is done at first need, or now by: {pull}",
    )


async def _answer(check: str, model: ChatModel, reason: str) -> Finding:
    started = time.monotonic()
    question = [Message("user", "Say yes.")]
    try:
        async with aclosing(model.stream(question, GenerationOptions(max_tokens=1))) as events:
            async for _ in events:
                pass
    except RagError as exc:
        return Finding(check, "problem", str(exc), action(str(exc)))
    seconds = time.monotonic() - started
    can = ", ".join(abilities(model.capabilities)) or "does none of what is looked for"
    return Finding(check, "ok", f"{reason} {model.name} answers after {seconds:.1f} s; it {can}.")
