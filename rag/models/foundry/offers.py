"""What the catalogue of Foundry Local offers, as values, and as it was last told of.

It knows how the child says it (cataloguing.py), but asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.models.foundry.source import Pulled, foundry_folder
from rag.types import Device

MIB = 1024 * 1024
_CHAT_TASKS = {"chat-completion", "coding", "vision-language-chat"}


@dataclass(frozen=True, slots=True)
class Variant:
    """A model made for one device."""

    id: str
    device: str  # "cpu", "gpu", "npu", or "" when the catalogue does not tell
    execution_provider: str
    size_bytes: int  # 0: unknown
    is_pulled: bool


@dataclass(frozen=True, slots=True)
class Offered:
    """A model of the catalogue; of its variants the runtime's choice for this machine is first."""

    alias: str
    title: str
    publisher: str
    licence: str
    context_tokens: int | None
    variants: tuple[Variant, ...]

    def variant(self, device: Device) -> Variant | None:
        """The one that is used: with ``auto`` the first, or what is on this machine already."""
        fitting = [one for one in self.variants if device in ("auto", one.device)]
        return next((one for one in fitting if one.is_pulled), fitting[0] if fitting else None)


@dataclass(frozen=True, slots=True)
class Provider:
    """What the runtime can compute with beside the CPU, once it is registered."""

    name: str
    is_registered: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    models: tuple[Offered, ...]
    providers: tuple[Provider, ...]
    sentence: str = ""  # what a person should know: why models are missing


def offered(told: dict[str, Any], here: Mapping[str, Pulled]) -> Offered:
    variants = tuple(
        Variant(
            one["id"],
            one["device"],
            one["execution_provider"],
            one["size_mb"] * MIB,
            is_pulled=one["id"] in here,
        )
        for one in told["variants"]
        if one["task"] in _CHAT_TASKS
    )
    return Offered(
        told["alias"],
        told["title"],
        told["publisher"],
        told["licence"],
        told["context_tokens"],
        variants,
    )


def of_pulled(models: Iterable[Pulled]) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            one.alias,
            one.alias,
            "",
            one.licence,
            _context_tokens(one),
            (Variant(one.id, one.device, one.execution_provider, one.size_bytes, is_pulled=True),),
        )
        for one in models
    )


def _context_tokens(one: Pulled) -> int | None:
    told = (value for name, value in one.hints if name == "context_length")
    return next((value for value in told if isinstance(value, int)), None)


def remember(models: Sequence[Offered], data_dir: Path) -> None:
    with suppress(OSError):  # it is for comfort alone
        _memory(data_dir).write_text(json.dumps([asdict(one) for one in models]), encoding="utf-8")


def remembered(data_dir: Path) -> tuple[Offered, ...]:
    """What was listed last, without asking anybody; () when nothing ever was."""
    try:
        told = json.loads(_memory(data_dir).read_text(encoding="utf-8"))
        return tuple(
            Offered(**one | {"variants": tuple(Variant(**each) for each in one["variants"])})
            for one in told
        )
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def remember_providers(providers: Sequence[Provider], data_dir: Path) -> None:
    told = json.dumps([asdict(one) for one in providers])
    with suppress(OSError):
        foundry_folder(data_dir).mkdir(parents=True, exist_ok=True)
        _provider_memory(data_dir).write_text(told, encoding="utf-8")


def remembered_providers(data_dir: Path) -> tuple[Provider, ...] | None:
    """As they were when last listed or registered; None when nobody has looked yet."""
    try:
        told = json.loads(_provider_memory(data_dir).read_text(encoding="utf-8"))
        return tuple(Provider(**one) for one in told)
    except (OSError, ValueError, TypeError):
        return None


def _memory(data_dir: Path) -> Path:
    return foundry_folder(data_dir) / "catalogue.json"


def _provider_memory(data_dir: Path) -> Path:
    return foundry_folder(data_dir) / "providers.json"
