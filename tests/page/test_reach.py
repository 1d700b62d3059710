from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from rag.page import reach
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import Reach

ENGLISH = Wording("en")


@dataclass
class Model:
    name: str
    reach: Reach
    address: str


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (Place(), "on this machine"),
        (Place("network", "http://192.168.1.20:8000"), "on your network (192.168.1.20)"),
        (Place("cloud", "https://api.example.com"), "in the cloud (api.example.com)"),
        (Place("cloud", "http://127.0.0.1:11434"), "in the cloud"),  # handed on by a local server
        (Place("cloud", ""), "in the cloud"),
    ],
)
def test_a_place_is_told_with_its_host_when_that_is_where_prompts_go(
    place: Place, told: str
) -> None:
    assert reach.phrase(place, ENGLISH) == told


def consent(model: Any) -> str:
    return reach.consent(model, ENGLISH).replace("\\", "")


def test_consent_names_where_and_what_before_anything_is_sent() -> None:
    asked = consent(Model("big", "network", "http://nas.lan"))
    assert "**big** runs on your network." in asked
    assert "your question, the passages found" in asked
    assert "sent to **http://nas.lan**" in asked


def test_consent_tells_of_the_cloud_behind_a_server_of_this_machine() -> None:
    asked = consent(Model("", "cloud", "http://127.0.0.1:11434"))
    assert asked.startswith("**the model** runs in the cloud.")
    assert "its maker's machines, through **http://127.0.0.1:11434**" in asked
