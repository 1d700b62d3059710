"""Which model servers can be reached. In go addresses where one may be; out come those that are
there, each with its kind and models.

All are looked at side by side and within a second, on the event loop but never holding it. A
server on another machine is sent nothing unless that was allowed. What a model can do is found out
by asking it, elsewhere; what to do with it is not known here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx

from rag.models import probe
from rag.models.dialects import BY_KIND, DIALECTS, FOUNDRY, Dialect, Entry, FoundModel, Pages, named
from rag.models.providers import NAMES
from rag.models.reach import reach_of
from rag.types import Reach

NOT_ASKED = "Not asked: it is on another machine."
_KEY_FOUND = "A key for {} is in the environment; its models are asked for only when you allow it."

_OWN = frozenset({"rag-auto", "rag-slm", "rag-llm", "rag-refine"})  # what a chat like this offers
_CONNECT_S = 0.4
_LOOK_S = 1.0  # for all pages of a server on this machine
_LOOK_FAR_S = 5.0
_NOWHERE = "http://127.0.0.1:1"  # stands for a proxy that cannot be used: nothing goes past it
_LONGEST_PAGE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where a server may be; one that is ``wanted`` is told of even when it is not there, one that
    is ``allowed`` is asked even on another machine."""

    base_url: str  # without credentials
    kind: str = ""  # asked after first
    api_key: str = field(default="", repr=False)
    wanted: bool = True
    is_added: bool = False
    allowed: bool = False
    has_found_key: bool = False  # of its provider, in the environment


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server, and its models in its own order."""

    kind: str  # "Ollama" and so on; "" when it cannot be told
    base_url: str  # without credentials
    reach: Reach
    models: tuple[FoundModel, ...] = ()
    version: str = ""
    is_added: bool = False  # by a person, who may remove it
    problem: str = ""  # why its models are not known, as a sentence; "" when they are

    @property
    def name(self) -> str:
        """As the subject of a sentence.

        >>> FoundServer("Ollama", "http://127.0.0.1:11434/v1", "machine").name
        'Ollama on this machine'
        """
        if self.kind and self.reach == "machine":
            return f"{self.kind} on this machine"
        return f"{self.kind} at {self.base_url}" if self.kind else self.base_url

    @property
    def is_left_alone(self) -> bool:
        """It is on another machine, and was sent nothing."""
        return self.problem in {NOT_ASKED, _KEY_FOUND.format(self.kind)}

    def setting(self, model: FoundModel) -> str:
        """What a tier is set to, to use ``model``.

        >>> server = FoundServer("Ollama", "http://127.0.0.1:11434/v1", "machine")
        >>> server.setting(FoundModel("llama3.2:3b"))
        'http://127.0.0.1:11434/v1#llama3.2:3b'
        """
        return f"{self.base_url}#{quote(model.name, safe='/:@ ')}"


class _NotThereError(Exception):
    """Nothing that could be a model server; the text is the sentence for one that was wanted."""


class _SilentError(Exception):
    """Something is there, and keeps its models to itself."""


async def find(
    candidates: Iterable[Candidate],
    *,
    remote: bool = False,
    foundry: Callable[[], Awaitable[str]] | None = None,
) -> tuple[FoundServer, ...]:
    """The servers among ``candidates``, in their order; ``remote`` allows to ask other machines.

    ``foundry`` tells the address of a Foundry Local service whose port is not the usual one.
    """
    wanted = [replace(one, allowed=remote or one.allowed) for one in _once(candidates)]
    async with AsyncExitStack() as opened:
        clients = {
            far: await opened.enter_async_context(await asyncio.to_thread(_client, far))
            for far in {False, any(_is_far(one) and one.allowed for one in wanted)}
        }
        service, *looked = await asyncio.gather(
            _service(wanted, clients, foundry), *(_looked_at(one, clients) for one in wanted)
        )
    found = [server for server in looked if server is not None]
    if service is not None and all(service.base_url != one.base_url for one in found):
        found.insert(0, service)
    return tuple(found)


def _is_far(candidate: Candidate) -> bool:
    return reach_of(candidate.base_url) != "machine"


def _once(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The first of those that are the same place."""
    places: dict[str, Candidate] = {}
    for one in candidates:
        places.setdefault(one.base_url.replace("//localhost:", "//127.0.0.1:"), one)
    return tuple(places.values())


async def is_listening(base_url: str) -> bool:
    """Whether something still accepts connections there, without sending it anything."""
    url = httpx.URL(base_url)
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(url.host, url.port or 80)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _client(far: bool) -> httpx.AsyncClient:
    """For a thread: certificates take a moment to load. A proxy must not see this machine's."""
    seconds = _LOOK_FAR_S if far else _LOOK_S
    timeout = httpx.Timeout(seconds, connect=seconds if far else _CONNECT_S)
    try:
        return httpx.AsyncClient(timeout=timeout, trust_env=far)
    except (ValueError, ImportError, httpx.InvalidURL):  # of the environment's proxy
        return httpx.AsyncClient(timeout=timeout, proxy=_NOWHERE)


Clients = dict[bool, httpx.AsyncClient]  # by whether they are for other machines


async def _service(
    candidates: Iterable[Candidate],
    clients: Clients,
    foundry: Callable[[], Awaitable[str]] | None,
) -> FoundServer | None:
    address = await foundry() if foundry else ""
    if not address or any(one.base_url.startswith(f"{address}/") for one in candidates):
        return None
    return await _looked_at(Candidate(f"{address}/v1", FOUNDRY), clients)


async def _looked_at(candidate: Candidate, clients: Clients) -> FoundServer | None:
    """None where nothing is that anybody expects."""
    server = FoundServer(
        candidate.kind if candidate.wanted else "",
        candidate.base_url,
        reach_of(candidate.base_url),
        is_added=candidate.is_added,
    )
    far = _is_far(candidate)
    if far and not candidate.allowed:
        has_key = candidate.has_found_key
        return replace(server, problem=_KEY_FOUND.format(server.kind) if has_key else NOT_ASKED)
    try:
        async with asyncio.timeout(_LOOK_FAR_S if far else _LOOK_S):
            return await _asked(candidate, server, clients[far])
    except _NotThereError as exc:
        return replace(server, problem=str(exc)) if candidate.wanted else None
    except _SilentError as exc:
        return replace(server, problem=str(exc))
    except TimeoutError:
        return replace(
            server, problem=f"{candidate.base_url} accepts connections, but does not answer."
        )


async def _asked(
    candidate: Candidate, server: FoundServer, client: httpx.AsyncClient
) -> FoundServer:
    listed = await _page(client, candidate, "/models", needed=True)
    offered = probe.entries(listed)
    # What cannot be printed is no name, and might play tricks on a terminal.
    entries = {
        name: one for name, one in offered.items() if name not in _OWN and name.isprintable()
    }
    if not _is_list(listed) or (offered and not entries):
        raise _not_a_server(candidate)
    dialect, pages = await _dialect(client, candidate, tuple(entries.values()))
    if dialect is None:
        return replace(server, models=tuple(named(name) for name in entries))
    return replace(
        server,
        kind=dialect.kind,
        version=_shown(dialect.version(pages)),
        models=tuple(dialect.model(name, entry, pages) for name, entry in entries.items()),
    )


def _shown(version: Any) -> str:
    return version[:40] if isinstance(version, str) and version.isprintable() else ""


def _is_list(page: Any) -> bool:
    """Of models, perhaps of none: Ollama then says null."""
    return isinstance(page, dict) and isinstance(page.get("data", ""), list | None)


async def _dialect(
    client: httpx.AsyncClient, candidate: Candidate, entries: Sequence[Entry]
) -> tuple[Dialect | None, Pages]:
    """The usual one of the port first: most servers are what they are expected to be. A provider
    has no pages but the one."""
    if candidate.kind in NAMES:
        return None, {}
    expected = BY_KIND.get(candidate.kind)
    for dialect in sorted(DIALECTS, key=lambda one: one is not expected):
        paths = dialect.pages
        root = str(httpx.URL(candidate.base_url).join("/")).rstrip("/")
        pages = dict(
            zip(
                paths,
                await asyncio.gather(*(_page(client, candidate, root + path) for path in paths)),
                strict=True,
            )
        )
        if dialect.is_spoken(entries, pages):
            return dialect, pages
    return (None if expected is None or expected.pages else expected), {}


async def _page(
    client: httpx.AsyncClient, candidate: Candidate, path: str, *, needed: bool = False
) -> Any:
    """A decoded page, None where it has none. Raises when it is ``needed``."""
    url = path if path.startswith("http") else candidate.base_url + path
    headers = {"authorization": f"Bearer {candidate.api_key}"} if candidate.api_key else {}
    try:
        async with client.stream("GET", url, headers=headers) as response:
            body = await _read(response)
    except httpx.TimeoutException as exc:
        if isinstance(exc, httpx.ConnectTimeout | httpx.PoolTimeout):
            raise _nothing(candidate) from exc
        raise TimeoutError from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise _nothing(candidate) from exc
    page = _decoded(body)
    if needed and response.status_code in {401, 403} and (candidate.wanted or page is not None):
        wants = "another key" if candidate.api_key else "a key: add its address with one"
        raise _SilentError(f"{candidate.base_url} wants {wants}.")
    return page if response.is_success else None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _LONGEST_PAGE_BYTES:
            return b""
    return body


def _nothing(candidate: Candidate) -> _NotThereError:
    return _NotThereError(
        f"Nothing answers at {candidate.base_url}. Start the server, or remove the address."
    )


def _not_a_server(candidate: Candidate) -> _NotThereError:
    return _NotThereError(
        f"What answers at {candidate.base_url} is not a model server. Most addresses end in /v1."
    )
