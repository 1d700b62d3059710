"""Which model each tier gets. In go a tier's setting and where models may be found; out come a
``ChatModel`` that is not connected yet, or none, and the reason in a sentence.

A setting is ``embedded:NAME``, ``foundry:ALIAS``, ``URL#MODEL``, ``auto`` or ``none``. It knows
nothing of how a model is reached, run or asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from rag.errors import ModelError, SettingsError
from rag.models.chat import ChatModel, Timeouts
from rag.models.embedded.model import EmbeddedModel
from rag.models.endpoint import DEFAULT_TIMEOUTS, EndpointModel, offered_models
from rag.models.probe import listed_name
from rag.models.reach import reach_of
from rag.types import Tier

Home = Literal["embedded", "foundry", "endpoint", "auto", "none"]

EMBEDDED: Mapping[Tier, str] = {"slm": "qwen2.5-coder-0.5b", "llm": "qwen2.5-coder-1.5b"}
FOUNDRY: Mapping[Tier, str] = {"slm": "phi-4-mini", "llm": "gpt-oss-20b"}
FOUNDRY_PORT = 5273

_FORMS = (
    "Write embedded:qwen2.5-coder-0.5b, foundry:phi-4-mini, "
    "http://127.0.0.1:11434/v1#llama3.2:3b, auto or none."
)
_LOOK_S = 2.0  # auto does not wait longer for a service that may be off


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
    api_key: str = field(default="", repr=False)  # for https addresses not on this machine
    timeouts: Timeouts = DEFAULT_TIMEOUTS


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


async def resolve(tier: Tier, setting: TierSetting, homes: Homes) -> Resolved:
    """Only ``auto`` looks anything up, and only where a Foundry Local service is set.

    Raises SettingsError for a setting that can never work.
    """
    if setting.home == "auto":
        setting, reason = await _chosen(tier, homes)
    elif setting.home == "none":
        reason = "It is switched off in the settings."
    else:
        reason = "It is chosen in the settings."
    setting = _completed(tier, setting)
    return Resolved(tier, setting, _model(setting, homes), reason)


async def _chosen(tier: Tier, homes: Homes) -> tuple[TierSetting, str]:
    """What ``auto`` means here and now, and why."""
    embedded = TierSetting("embedded", EMBEDDED[tier])
    if not homes.foundry_endpoint:
        return embedded, "No Foundry Local service is set, so an embedded model is used."
    server, wanted = _foundry_address(homes), FOUNDRY[tier]
    try:
        offered = await offered_models(
            server.base_url,
            server.api_key,
            timeouts=replace(homes.timeouts, connect_s=min(_LOOK_S, homes.timeouts.connect_s)),
            reach=reach_of(server.base_url),
        )
    except ModelError as exc:
        return embedded, f"Foundry Local cannot be used, so an embedded model is. {exc}"
    if listed_name(wanted, offered) in offered:
        return TierSetting("foundry", wanted), f"Foundry Local at {server.base_url} has {wanted}."
    return embedded, (
        f"Foundry Local at {server.base_url} does not offer {wanted}, so an embedded model is used."
    )


def _completed(tier: Tier, setting: TierSetting) -> TierSetting:
    defaults = {"embedded": EMBEDDED, "foundry": FOUNDRY}.get(setting.home)
    return replace(setting, model=defaults[tier]) if defaults and not setting.model else setting


def _model(setting: TierSetting, homes: Homes) -> ChatModel | None:
    if setting.home == "none":
        return None
    if setting.home == "embedded":
        return EmbeddedModel(setting.model, homes.data_dir, timeouts=homes.timeouts)
    server = _foundry_address(homes) if setting.home == "foundry" else setting
    return EndpointModel(
        setting.model,
        server.base_url,
        _key(server, homes),
        timeouts=homes.timeouts,
        reach=reach_of(server.base_url),
    )


def _key(server: TierSetting, homes: Homes) -> str:
    """A key in the address wins. The general one goes neither to programs of this machine, which
    need none, nor over the network in clear text."""
    is_private = server.base_url.startswith("https://") and reach_of(server.base_url) != "machine"
    return server.api_key or (homes.api_key if is_private else "")


def _foundry_address(homes: Homes) -> TierSetting:
    address = homes.foundry_endpoint.strip()
    if not address:
        raise SettingsError(
            "Foundry Local needs its address. Start it with `foundry service start`, and set "
            f"FOUNDRY_LOCAL_ENDPOINT to what `foundry service status` shows, for example "
            f"http://127.0.0.1:{FOUNDRY_PORT}. Running it inside this program is not possible yet."
        )
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
