"""How far a prompt travels to an address: it stays on this machine, on its network, or leaves both.

Told by the address alone, before anything is sent. A name that only its owner's network knows how
to resolve, or a private number, is of the network; whatever else is not of this machine is cloud.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rag.types import Reach

_OF_NETWORKS = (".local", ".lan", ".home", ".internal", ".home.arpa")  # RFC 6762, 8375, and custom

PLACES: dict[Reach, str] = {  # for a person
    "machine": "on this machine",
    "network": "on your network",
    "cloud": "in the cloud",
}


def reach_of(base_url: str) -> Reach:
    """
    >>> reach_of("http://192.168.1.20:11434/v1")
    'network'
    """
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "machine"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "network" if (host and "." not in host) or host.endswith(_OF_NETWORKS) else "cloud"
    if address.is_loopback or address.is_unspecified:  # 0.0.0.0 is answered by this machine
        return "machine"
    return "network" if address.is_private or address.is_link_local else "cloud"
