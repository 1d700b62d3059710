"""How far a prompt travels, told by the address alone."""

from __future__ import annotations

import pytest

from rag.models.reach import reach_of
from rag.types import Reach


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("http://127.0.0.1:1/v1", "machine"),
        ("http://127.9.9.9/v1", "machine"),
        ("http://localhost:1/v1", "machine"),
        ("http://LOCALHOST./v1", "machine"),
        ("http://models.localhost/v1", "machine"),
        ("http://[::1]:1/v1", "machine"),
        ("http://0.0.0.0:11434/v1", "machine"),
        ("http://192.168.0.2/v1", "network"),
        ("http://10.1.2.3:8000/v1", "network"),
        ("http://[fd12::1]/v1", "network"),
        ("http://169.254.3.4/v1", "network"),
        ("http://gpu-box:8000/v1", "network"),
        ("http://gpu-box.local/v1", "network"),
        ("http://localhost.example.com/v1", "cloud"),
        ("http://127.0.0.1.example.com/v1", "cloud"),
        ("http://8.8.8.8/v1", "cloud"),
        ("https://api.openai.com/v1", "cloud"),
        ("", "cloud"),
    ],
)
def test_reach_is_told_when_an_address_is_given(address: str, reach: Reach) -> None:
    assert reach_of(address) == reach
