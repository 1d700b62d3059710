"""Where a model runs, for a person: how far a prompt travels and an address in, a phrase out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.models.reach import reach_of
from rag.page import markdown
from rag.page.wording import Wording
from rag.types import Reach

if TYPE_CHECKING:
    from rag.models.chat import ChatModel


@dataclass(frozen=True, slots=True)
class Place:
    reach: Reach = "machine"
    address: str = ""  # as a person may see it; "" on this machine

    @property
    def is_handed_on(self) -> bool:
        """Whether a server of this machine hands prompts on, as Ollama does for some models."""
        return self.reach != "machine" and reach_of(self.address) == "machine"

    @property
    def host(self) -> str:
        """
        >>> Place("network", "http://192.168.1.20:8000/v1").host
        '192.168.1.20'
        """
        return urlsplit(self.address).hostname or self.address


def consent(model: ChatModel, words: Wording) -> str:
    """What a person is asked before anything is sent to a model elsewhere, as Markdown."""
    place = Place(model.reach, model.address)
    return words(
        "consent_through" if place.is_handed_on else "consent",
        model=markdown.plain(model.name or words("a_model")),
        where=words(f"reach_{model.reach}"),
        address=markdown.plain(model.address),
    )


def badge(reach: Reach, words: Wording) -> dict[str, Any]:
    """The shortest: an icon's name and its label."""
    return {"reach": reach, "text": words(f"badge_{reach}")}


def phrase(place: Place, words: Wording) -> str:
    """Such as "in the cloud (api.example.com)"."""
    where = words(f"reach_{place.reach}")
    is_told = place.reach != "machine" and place.host and not place.is_handed_on
    return f"{where} ({place.host})" if is_told else where
