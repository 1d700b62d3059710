"""Where a search cluster is: the text of the setting in, its parts out. Connects to nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

FORM = "opensearch+https://user:password@host:9200/name"

_ADDRESS = re.compile(
    r"opensearch\+(?P<scheme>https?)://"
    r"(?:(?P<user>[^:@/]+):(?P<password>[^@/]+)@)?"
    r"(?P<hosts>[^@/?]+)/(?P<name>[a-z0-9][a-z0-9_-]{0,99})"
    r"(?:\?(?P<options>.*))?"
)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(?::(?P<port>\d{1,5}))?")
_OPTION = re.compile(r"(shards|replicas)=(\d{1,4})")
_PORT = 9200
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    hosts: tuple[tuple[str, int], ...]  # any of them is asked
    name: str  # of the index; each library has its own
    uses_tls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    shards: int = 1
    replicas: int | None = None  # copies of each shard; None: one where there is a second node


def is_cluster(setting: str) -> bool:
    return setting.startswith("opensearch+")


def cluster_address(setting: str) -> ClusterAddress:
    """
    Raises ValueError, which names no part of the address.

    >>> cluster_address("opensearch+http://127.0.0.1/rag").hosts
    (('127.0.0.1', 9200),)
    """
    if not (found := _ADDRESS.fullmatch(setting)):
        raise ValueError(f"a cluster's address looks like {FORM}, its name in small letters")
    options = _options(found["options"])
    shards = options.get("shards", 1)
    if shards < 1:
        raise ValueError("there is at least one shard")
    return ClusterAddress(
        hosts=tuple(_host(one) for one in found["hosts"].split(",")),
        name=found["name"],
        uses_tls=found["scheme"] == "https",
        user=unquote(found["user"] or ""),
        password=unquote(found["password"] or ""),
        shards=shards,
        replicas=options.get("replicas"),
    )


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    port = int(found["port"] or _PORT) if found else 0
    if not found or not 0 < port <= _HIGHEST_PORT:
        raise ValueError("a host is a name or an address, with its port after a colon")
    return found["host"].strip("[]"), port


def _options(text: str | None) -> dict[str, int]:
    found = [_OPTION.fullmatch(one) for one in text.split("&")] if text else []
    if not all(found):
        raise ValueError("after the ? only shards=… and replicas=… are understood")
    return {one[1]: int(one[2]) for one in found if one}
