"""Where a model runs, for a person: how far a prompt travels and an address in, a phrase out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rag.page.wording import Wording
from rag.types import Reach


@dataclass(frozen=True, slots=True)
class Place:
    reach: Reach = "machine"
    address: str = ""  # as a person may see it; "" on this machine

    @property
    def host(self) -> str:
        """
        >>> Place("network", "http://192.168.1.20:8000/v1").host
        '192.168.1.20'
        """
        return urlsplit(self.address).hostname or self.address


def badge(reach: Reach, words: Wording) -> dict[str, Any]:
    """The shortest: an icon's name and its label."""
    return {"reach": reach, "text": words(f"badge_{reach}")}


def phrase(place: Place, words: Wording) -> str:
    """Such as "in the cloud (api.example.com)"."""
    where = words(f"reach_{place.reach}")
    return where if place.reach == "machine" or not place.host else f"{where} ({place.host})"
