"""Where model servers may be: in go settings, out come addresses to look at. Nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from rag.errors import SettingsError
from rag.models.dialects import BY_KIND, DIALECTS, FOUNDRY
from rag.models.discovery import Candidate
from rag.models.providers import key_for, name_of
from rag.models.tiers import Homes, TierSetting, address_of, key_of, parse


def candidates(
    settings: Sequence[TierSetting], homes: Homes, *, ollama_host: str = "", usual_ports: bool
) -> tuple[Candidate, ...]:
    """What the settings name, then whose keys are there, then the usual ports of this machine."""
    named = [_named(one, homes) for one in settings if one.home == "endpoint"]
    if service := address_of(TierSetting("foundry"), homes):
        named.append(Candidate(service, FOUNDRY))
    if address := ollama_address(ollama_host):
        named.append(Candidate(address, "Ollama", wanted=False))
    keyed = (
        Candidate(one.provider.base_url, one.provider.name, one.api_key, has_found_key=True)
        for one in homes.keys
    )
    return (*named, *keyed, *(_usual() if usual_ports else ()))


def _named(server: TierSetting, homes: Homes) -> Candidate:
    key = key_of(server, homes)
    found = key_for(server.base_url, homes.keys)
    return Candidate(
        server.base_url, name_of(server.base_url), key, has_found_key=bool(key) and key == found
    )


def _usual() -> tuple[Candidate, ...]:
    """The ports on which servers of this machine listen when nobody says otherwise."""
    return tuple(
        Candidate(f"http://127.0.0.1:{one.port}{one.path}", one.kind, wanted=False)
        for one in DIALECTS
    )


def ollama_address(host: str) -> str:
    """Ollama's own variable, which may leave out scheme, host or port, or name every interface.

    >>> ollama_address("0.0.0.0"), ollama_address(":11435"), ollama_address("")
    ('http://127.0.0.1:11434/v1', 'http://127.0.0.1:11435/v1', '')
    """
    host = host.strip().strip("\"'")
    if not host:
        return ""
    if host.startswith(":"):
        host = f"127.0.0.1{host}"
    try:
        url = urlsplit(host if "://" in host else f"http://{host}")
        port = url.port or {"https": 443}.get(url.scheme, BY_KIND["Ollama"].port)
        name = url.hostname or "127.0.0.1"
        name = "127.0.0.1" if name in {"0.0.0.0", "::"} else name  # noqa: S104 (not bound to)
        shown = f"[{name}]" if ":" in name else name
        return parse(f"{url.scheme}://{shown}:{port}{url.path.rstrip('/')}/v1").base_url
    except (ValueError, SettingsError):
        return ""
