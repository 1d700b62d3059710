"""Which model each tier gets. In go a tier's setting and where models may be found; out come a
``ChatModel`` that is not connected yet, or none, and the reason in a sentence.

A setting is ``embedded:NAME``, ``foundry:ALIAS``, ``foundry:FOLDER``, ``URL#MODEL``, ``auto`` or
``none``. It knows nothing of how a model is reached, run or asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from rag.errors import SettingsError
from rag.models.breaker import Breakers
from rag.models.chat import ChatModel, Timeouts
from rag.models.dialects import is_hosted
from rag.models.discovery import FoundServer
from rag.models.embedded.model import EmbeddedModel
from rag.models.endpoint import DEFAULT_TIMEOUTS, EndpointModel
from rag.models.foundry import sdk
from rag.models.foundry.model import FoundryModel, is_folder
from rag.models.foundry.service import DEFAULT_PORT as FOUNDRY_PORT
from rag.models.foundry.source import pulled
from rag.models.picking import ALIASES, EMBEDDED_B, has_alias, pick
from rag.models.providers import Key, key_for, takes_general
from rag.models.reach import reach_of
from rag.types import Device, Tier

Home = Literal["embedded", "foundry", "endpoint", "auto", "none"]

EMBEDDED: Mapping[Tier, str] = {"slm": "qwen2.5-coder-0.5b", "llm": "qwen2.5-coder-1.5b"}
_WHICH: Mapping[Tier, str] = {"slm": "small model", "llm": "larger model"}

_FORMS = (
    "Write embedded:qwen2.5-coder-0.5b, foundry:phi-4-mini, "
    "http://127.0.0.1:11434/v1#llama3.2:3b, auto or none."
)


@dataclass(frozen=True, slots=True)
class TierSetting:
    """``model`` may be "": the home's default for the tier, or the server's first model."""

    home: Home
    model: str = ""
    base_url: str = ""  # without credentials; homes with an address only
    api_key: str = field(default="", repr=False)  # written in the address

    def __str__(self) -> str:
        """The setting as a person may see it: without the key."""
        if self.home == "endpoint":
            return f"{self.base_url}#{self.model}" if self.model else self.base_url
        return f"{self.home}:{self.model}" if self.model else self.home


@dataclass(frozen=True, slots=True)
class Homes:
    """Where models may be found."""

    data_dir: Path
    foundry_endpoint: str = ""
    api_key: str = field(default="", repr=False)  # the general one
    keys: tuple[Key, ...] = ()  # of providers, each for its own address
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    added: tuple[TierSetting, ...] = ()  # servers that a person has added, with their keys
    found: tuple[FoundServer, ...] = ()  # what ``auto`` chooses from
    allow_remote: bool = False  # may ``auto`` choose what is not on this machine?
    memory_bytes: int | None = None  # of this machine; None: not known
    device: Device = "auto"  # of Foundry Local's models in this program
    breakers: Breakers = field(default_factory=Breakers, compare=False)


@dataclass(frozen=True, slots=True)
class Resolved:
    tier: Tier
    setting: TierSetting  # never ``auto``: what was chosen
    model: ChatModel | None
    reason: str  # a sentence


def parse(setting: str) -> TierSetting:
    """Raises SettingsError with an example of what to write.

    >>> parse("foundry:phi-4-mini")
    TierSetting(home='foundry', model='phi-4-mini', base_url='')
    """
    home, _, model = setting.strip().partition(":")
    if home in {"http", "https"}:
        return _parse_address(setting.strip())
    if home in {"embedded", "foundry"}:
        return TierSetting(home, model.strip())  # type: ignore[arg-type]
    if home in {"auto", "none", ""} and not model:
        return TierSetting(home or "auto")  # type: ignore[arg-type]
    raise SettingsError(f"“{setting}” names no model. {_FORMS}")


async def resolve(
    tier: Tier, setting: TierSetting, homes: Homes, *, above_b: float = 0.0
) -> Resolved:
    """``auto`` chooses among ``homes.found``; a larger model has more than ``above_b`` billion
    parameters. Nothing is sent to anybody. Raises SettingsError for a setting that can never work.
    """
    if setting.home == "auto":
        setting, reason = _chosen(tier, homes, above_b)
    elif setting.home == "none":
        reason = "It is switched off in the settings."
    else:
        reason = "It is chosen in the settings."
    setting = _completed(tier, setting)
    return Resolved(tier, setting, _model(setting, homes), reason)


def _chosen(tier: Tier, homes: Homes, above_b: float) -> tuple[TierSetting, str]:
    """What ``auto`` means here and now, and why."""
    picked = pick(
        tier,
        homes.found,
        above_b=above_b,
        reaches=("machine", "network", "cloud") if homes.allow_remote else ("machine",),
        memory_bytes=homes.memory_bytes,
    )
    if picked is not None and picked.is_alias and picked.server.base_url == _service_of(homes):
        return TierSetting("foundry", picked.model), picked.reason
    if picked is not None:
        return TierSetting("endpoint", picked.model, picked.server.base_url), picked.reason
    if sdk.is_installed() and _is_pulled(ALIASES[tier], homes):
        return TierSetting("foundry", ALIASES[tier]), (
            f"{ALIASES[tier]} was fetched from the catalogue of Foundry Local."
        )
    if tier == "llm" and above_b >= EMBEDDED_B["llm"]:
        return TierSetting("none"), (
            "No model larger than the small one was found, so that one answers alone."
        )
    asked = any(not server.problem for server in homes.found)
    why = f"No other {_WHICH[tier]} was found" if asked else "No model server was found"
    trouble = "".join(
        f" {one.problem}"
        for one in homes.found
        if one.kind and one.problem and not one.is_left_alone
    )
    return TierSetting("embedded", EMBEDDED[tier]), f"{why}, so an embedded model is used.{trouble}"


def address_of(setting: TierSetting, homes: Homes) -> str:
    """Where the server of a setting is; "" of one that has none."""
    if setting.home != "foundry":
        return setting.base_url
    service = _service_with(setting.model, homes)
    return service.base_url if service else ""


def _service_of(homes: Homes) -> str:
    return _foundry_address(homes).base_url if homes.foundry_endpoint.strip() else ""


def _service_with(model: str, homes: Homes) -> TierSetting | None:
    """A service of Foundry Local that is set, or was found to have the model."""
    if is_folder(model):
        return None
    if homes.foundry_endpoint.strip():
        return _foundry_address(homes)
    found = (one.base_url for one in homes.found if not one.problem and has_alias(one, model))
    return next(map(_parse_address, found), None)


def _is_pulled(alias: str, homes: Homes) -> bool:
    return any(one.alias == alias for one in pulled(homes.data_dir))


def _completed(tier: Tier, setting: TierSetting) -> TierSetting:
    defaults = {"embedded": EMBEDDED, "foundry": ALIASES}.get(setting.home)
    return replace(setting, model=defaults[tier]) if defaults and not setting.model else setting


def _model(setting: TierSetting, homes: Homes) -> ChatModel | None:
    if setting.home == "none":
        return None
    if setting.home == "embedded":
        return EmbeddedModel(setting.model, homes.data_dir, timeouts=homes.timeouts)
    server = _service_with(setting.model, homes) if setting.home == "foundry" else setting
    if server is None:
        return FoundryModel(
            setting.model, homes.data_dir, device=homes.device, timeouts=homes.timeouts
        )
    return EndpointModel(
        setting.model,
        server.base_url,
        key_of(server, homes),
        timeouts=homes.timeouts,
        breaker=homes.breakers.of(server.base_url),
        reach="cloud" if _is_hosted(setting, homes) else reach_of(server.base_url),
    )


def _is_hosted(setting: TierSetting, homes: Homes) -> bool:
    """Whether the server, though on this machine, hands prompts on to its maker's."""
    listed = (one.models for one in homes.found if one.base_url == setting.base_url)
    told = (one.is_hosted for models in listed for one in models if one.name == setting.model)
    return is_hosted(setting.model) or any(told)


def key_of(server: TierSetting, homes: Homes) -> str:
    """A key in the address wins, then one that was added with it, then its provider's own. The
    general one goes neither to programs of this machine, which need none, nor over the network in
    clear text, nor to a provider that has keys of its own."""
    own = next((one.api_key for one in homes.added if one.base_url == server.base_url), "")
    general = homes.api_key if takes_general(server.base_url) else ""
    return server.api_key or own or key_for(server.base_url, homes.keys) or general


def _foundry_address(homes: Homes) -> TierSetting:
    address = homes.foundry_endpoint.strip()
    return _parse_address(address if "://" in address else f"http://{address}", FOUNDRY_PORT)


def _parse_address(address: str, default_port: int | None = None) -> TierSetting:
    try:
        url = urlsplit(address)
        port = url.port or default_port
    except ValueError:
        raise SettingsError(f"The address of a model is not one. {_FORMS}") from None
    if not url.hostname or url.query or url.password or url.scheme not in {"http", "https"}:
        raise SettingsError(f"The address of a model has a part that is wrong or missing. {_FORMS}")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    path = url.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return TierSetting(
        "endpoint",
        unquote(url.fragment),
        f"{url.scheme}://{host}{f':{port}' if port else ''}{path}",
        unquote(url.username or ""),
    )
