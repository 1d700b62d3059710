"""Where servers may be, as settings and Ollama's own variable say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.models.discovery import Candidate
from rag.models.places import candidates, ollama_address
from rag.models.providers import keys
from rag.models.tiers import Homes, parse


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", ""),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:11435", "http://127.0.0.1:11435/v1"),
        ("[::]:11435", "http://127.0.0.1:11435/v1"),
        (":11435", "http://127.0.0.1:11435/v1"),
        (" '127.0.0.1' ", "http://127.0.0.1:11434/v1"),
        ("http://192.168.0.9", "http://192.168.0.9:11434/v1"),
        ("https://ollama.example", "https://ollama.example:443/v1"),
        ("http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("host:port", ""),
        ("ftp://host", ""),
    ],
)
def test_ollama_is_where_its_variable_says_when_that_can_be_read(host: str, address: str) -> None:
    assert ollama_address(host) == address


def test_what_the_settings_name_comes_first_when_usual_ports_are_looked_at() -> None:
    known = keys({"OPENAI_API_KEY": "sk-general"})
    homes = Homes(Path("unused"), "http://127.0.0.1:57349", "sk-general", known)
    tiers = [parse("http://sk-own@192.168.0.2:8000/v1#m"), parse("embedded"), parse("auto")]
    found = candidates(tiers, homes, ollama_host="0.0.0.0", usual_ports=True)
    assert found[:4] == (
        Candidate("http://192.168.0.2:8000/v1", "", "sk-own"),
        Candidate("http://127.0.0.1:57349/v1", "Foundry Local"),
        Candidate("http://127.0.0.1:11434/v1", "Ollama", wanted=False),
        Candidate("https://api.openai.com/v1", "OpenAI", "sk-general", has_found_key=True),
    )
    assert {one.kind for one in found[4:]} >= {"Ollama", "LM Studio", "llama-server", "vLLM", "Jan"}
    assert "sk-" not in repr(found)


def test_nothing_is_looked_at_when_nothing_is_named_and_discovery_is_off() -> None:
    assert candidates([parse("auto")], Homes(Path("unused")), usual_ports=False) == ()


def test_a_provider_is_named_with_its_own_key_when_a_setting_has_its_address() -> None:
    homes = Homes(Path("unused"), api_key="sk-general", keys=keys({"GROQ_API_KEY": "gsk-own"}))
    groq = "https://api.groq.com/openai/v1"
    found = candidates([parse(f"{groq}#m"), parse("https://sk-typed@api.mistral.ai/v1#m")], homes,
                       usual_ports=False)  # fmt: skip
    assert found == (
        Candidate(groq, "Groq", "gsk-own", has_found_key=True),
        Candidate("https://api.mistral.ai/v1", "Mistral", "sk-typed"),
        Candidate(groq, "Groq", "gsk-own", has_found_key=True),
    )
