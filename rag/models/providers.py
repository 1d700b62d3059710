"""The providers whose keys are looked for in the environment, and which key belongs to whom.

In go the variables' values; out come keys, each bound to the one address it may be sent to. It
sends nothing, and knows neither settings nor models but those that ``auto`` may choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rag.models.reach import reach_of


@dataclass(frozen=True, slots=True)
class Provider:
    name: str
    base_url: str
    variable: str  # that holds its key
    larger: str = ""  # what ``auto`` may take as the larger model; "": nothing


@dataclass(frozen=True, slots=True)
class Key:
    provider: Provider
    api_key: str = field(repr=False)


_HTTPS_PORT = 443
OPENAI = "OpenAI"
AZURE = "Azure OpenAI"  # everybody has an address of their own there
_AZURE_KEY = "AZURE_OPENAI_API_KEY"
PROVIDERS: tuple[Provider, ...] = (
    Provider(OPENAI, "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4o-mini"),
    Provider("Mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral-small-2603"),
    Provider("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-v4-flash"),
    Provider("Groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "openai/gpt-oss-20b"),
    Provider("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
)
NAMES = frozenset({AZURE, *(one.name for one in PROVIDERS)})


def keys(values: Mapping[str, str], azure_endpoint: str = "") -> tuple[Key, ...]:
    """Those that are there, of ``values`` by variable; Azure's only where its address is, too."""
    azure = Provider(AZURE, azure_address(azure_endpoint), _AZURE_KEY)
    known = (*PROVIDERS, *([azure] if azure.base_url else []))
    return tuple(Key(one, key) for one in known if (key := values.get(one.variable, "")))


def azure_address(endpoint: str) -> str:
    """Where a resource speaks this protocol; "" of what is no address to send a key to.

    >>> azure_address("https://my-resource.openai.azure.com/")
    'https://my-resource.openai.azure.com/openai/v1'
    """
    host = _origin(endpoint.strip()).removeprefix("https://")
    return f"https://{host}/openai/v1" if host else ""


def key_for(base_url: str, known: tuple[Key, ...]) -> str:
    """The key of whoever is at an address; "" of anybody else's."""
    origin = _origin(base_url)
    return next(
        (one.api_key for one in known if origin and origin == _origin(one.provider.base_url)), ""
    )


def takes_general(base_url: str) -> bool:
    """Whether OPENAI_API_KEY, which many servers' keys are kept in, may be sent to an address."""
    is_safe = bool(_origin(base_url)) and reach_of(base_url) != "machine"
    return is_safe and name_of(base_url) in {"", OPENAI, AZURE}


def name_of(base_url: str) -> str:
    """
    >>> name_of("https://api.groq.com/openai/v1"), name_of("https://groq.example/v1")
    ('Groq', '')
    """
    origin = _origin(base_url)
    if origin.endswith(".openai.azure.com"):
        return AZURE
    return next((one.name for one in PROVIDERS if _origin(one.base_url) == origin), "")


def variable_of(base_url: str) -> str:
    """Which variable the key of an address belongs into; "" where nobody has one of its own."""
    name = name_of(base_url)
    if name == AZURE:
        return _AZURE_KEY
    return next((one.variable for one in PROVIDERS if one.name == name), "")


def larger_of(name: str) -> str:
    """The model that ``auto`` may take of a provider; "" of any other server."""
    return next((one.larger for one in PROVIDERS if one.name == name), "")


def _origin(address: str) -> str:
    """Scheme, host and port, where nobody can listen in; "" of anything else.

    >>> _origin("https://api.groq.com:443/openai/v1"), _origin("http://api.groq.com/openai/v1")
    ('https://api.groq.com', '')
    """
    try:
        url = urlsplit(address)
        port = f":{url.port}" if url.port not in (None, _HTTPS_PORT) else ""
    except ValueError:
        return ""
    if url.scheme != "https" or not url.hostname or url.username:
        return ""
    return f"https://{url.hostname}{port}"
