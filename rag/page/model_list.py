"""The panel of models beside the chat, as plain values: what was found in, properties out.

Every name in here may come from a server and is shown as text. No key is ever part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.page import choices, model_facts, reach, sentences
from rag.page.models import Models, Pull
from rag.page.wording import Wording
from rag.types import Tier

if TYPE_CHECKING:
    from rag.models.dialects import FoundModel
    from rag.models.discovery import FoundServer
    from rag.models.downloads import Download
    from rag.models.status import TierStatus
    from rag.settings import Settings

Props = dict[str, Any]

CHOOSABLE = {"chat", "reasoning", "vision"}
SHOWN = 60  # models of a server: clouds list hundreds


@dataclass(frozen=True, slots=True)
class Chosen:
    """A tier as a chat has set it."""

    tier: Tier
    value: str  # ``choices.AS_SET`` or a setting
    configured: str  # what it is otherwise
    status: TierStatus | None = None
    problem: str = ""  # why there is no status, as a sentence


def settings(models: Models) -> list[str]:
    """What a tier can be set to, of all that was found."""
    ready = [one.setting for one in models.downloads]
    found = [
        server.setting(model)
        for server in models.servers or ()
        for model in _choosable(server)[:SHOWN]
    ]
    return [*ready, *found]


async def shown(
    models: Models, choice: choices.Choices, configured: Settings, words: Wording, problem: str
) -> Props:
    """The panel as it is for a chat that has set its tiers so."""
    chosen = [
        await _chosen(tier, getattr(choice, tier), getattr(configured, tier), models)
        for tier in choices.TIERS
    ]
    return panel(models, chosen, words, problem)


async def _chosen(tier: Tier, setting: str | None, configured: str, models: Models) -> Chosen:
    value = setting or choices.AS_SET
    shown = choices.without_key(configured)
    try:
        return Chosen(tier, value, shown, await models.status(tier, setting))
    except RagError as exc:
        return Chosen(tier, value, shown, problem=str(exc))


def panel(models: Models, chosen: Sequence[Chosen], words: Wording, problem: str = "") -> Props:
    """``problem``: what went wrong with what a person has just done."""
    servers = models.servers or ()
    return {
        "is_looking": models.servers is None,
        "problem": sentences.said(problem, words),
        "tiers": [_tier(one, models, words) for one in chosen],
        "groups": [
            *_homes(models, words),
            *(_server(server, models, words) for server in servers),
        ],
        "downloads": [
            _download(one, models.pulls.get(one.setting), words)
            for one in models.downloads
            if not one.is_installed or one.setting in models.pulls
        ],
        "nothing": "" if servers or models.servers is None else words("nothing_found"),
        "is_busy": any(not pull.error for pull in models.pulls.values()),
        "labels": words.group(
            "in_use", "found", "look_again", "looking", "test", "testing", "add_server",
            "add_help", "address", "key", "key_help", "add", "adding", "forget", "remove_sure",
            "keep", "fetchable", "fetch", "cancel", "choose_for", "no_models", "title_machine",
            "looking_machine",
        ) | {"example": choices.EXAMPLE.partition("#")[0]},
    }  # fmt: skip


# --- tiers


def _tier(chosen: Chosen, models: Models, words: Wording) -> Props:
    status = chosen.status
    return {
        "tier": chosen.tier,
        "label": words(chosen.tier),
        "value": chosen.value,
        "model": status.model if status else "",
        "place": reach.badge(status.reach, words) if status and status.reach else None,
        "why": sentences.said(status.sentence if status else chosen.problem, words),
        "is_problem": status is None or status.state == "failed",
        "options": list(_options(chosen, models, words)),
    }


def _options(chosen: Chosen, models: Models, words: Wording) -> Iterator[Props]:
    """By the group they stand in, as a list of choices shows them; "" is no group."""
    first = [{"value": choices.AS_SET, "text": words("as_set", value=chosen.configured)}]
    if chosen.tier == "llm":
        first.append({"value": "none", "text": words("none")})
    yield {"title": "", "options": first}
    known = {choices.AS_SET, "none"}
    for title, rows in _grouped(models, words):
        known |= {value for value, _ in rows}
        yield {"title": title, "options": [{"value": value, "text": text} for value, text in rows]}
    if chosen.value not in known:
        yield {"title": "", "options": [{"value": chosen.value, "text": chosen.value}]}


def _grouped(models: Models, words: Wording) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for title, downloads in _by_home(models, words):
        yield title, [(one.setting, model_facts.name(one.setting)) for one in downloads]
    for server in models.servers or ():
        rows = [(server.setting(model), model.name) for model in _choosable(server)[:SHOWN]]
        if rows:
            yield _title(server, words), rows


# --- what was found


def _homes(models: Models, words: Wording) -> Iterator[Props]:
    """What runs in this program itself, and is there already."""
    for title, downloads in _by_home(models, words):
        rows = [
            _row(
                one.setting,
                model_facts.name(one.setting),
                [one.title, *model_facts.takes(one, words)],
                models,
                words,
            )
            for one in downloads
            if one.is_installed
        ]
        if rows:
            yield _group(title, reach.badge("machine", words), rows)


def _by_home(models: Models, words: Wording) -> Iterator[tuple[str, list[Download]]]:
    for home in dict.fromkeys(one.setting.partition(":")[0] for one in models.downloads):
        of_home = [one for one in models.downloads if one.setting.startswith(f"{home}:")]
        yield words(f"home_{home}") if words.knows(f"home_{home}") else home, of_home


def _server(server: FoundServer, models: Models, words: Wording) -> Props:
    rows = [
        _row(server.setting(model), model.name, model_facts.offered(model, words), models, words)
        | {"capabilities": model_facts.capabilities(model.capabilities, words)}
        | ({"place": reach.badge("cloud", words)} if model.is_hosted else {})
        for model in _choosable(server)[:SHOWN]
    ]
    group = _group(_title(server, words), reach.badge(server.reach, words), rows)
    hidden = len(_choosable(server)) - SHOWN
    return group | {
        "address": server.base_url,
        "can_forget": server.is_added,
        "problem": sentences.said(server.problem, words),
        "more": words("more_models", count=hidden) if hidden > 0 else "",
    }


def _group(title: str, place: Mapping[str, Any], rows: Sequence[Props]) -> Props:
    return {
        "title": title,
        "place": place,
        "rows": rows,
        "address": "",
        "can_forget": False,
        "problem": "",
        "more": "",
    }


def _row(setting: str, name: str, facts: Sequence[str], models: Models, words: Wording) -> Props:
    trial = models.trials.get(setting)
    return {
        "setting": setting,
        "name": name,
        "facts": [fact for fact in facts if fact],
        "capabilities": model_facts.capabilities(trial.capabilities, words) if trial else [],
        "place": None,
        "trial": model_facts.trial(trial, words) if trial else None,
    }


def _choosable(server: FoundServer) -> list[FoundModel]:
    return [model for model in server.models if model.purpose in CHOOSABLE]


def _title(server: FoundServer, words: Wording) -> str:
    if server.kind and server.reach == "machine":
        return words("kind_here", kind=server.kind)
    host = server.base_url.partition("://")[2].partition("/")[0]
    return words("kind_at", kind=server.kind, host=host) if server.kind else host


# --- what can be fetched


def _download(one: Download, pull: Pull | None, words: Wording) -> Props:
    return {
        "setting": one.setting,
        "name": model_facts.name(one.setting),
        "facts": [fact for fact in (one.title, *model_facts.takes(one, words)) if fact],
        "purpose": words(f"recommended_{one.tier}") if one.tier else "",
        "pull": model_facts.pulled(pull, words) if pull else None,
    }
