"""Keys of providers: each goes to its own address, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from rag.models import discovery, meanings, providers
from rag.models.discovery import Candidate, find
from rag.models.providers import PROVIDERS, Key, Provider, key_for, keys, name_of
from rag.models.tiers import Homes, TierSetting, key_of
from rag.models.wire import Server
from rag.roster import Roster
from rag.settings import Settings, load

VALUES = {one.variable: f"sk-{one.name}" for one in PROVIDERS}
AZURE = "https://my-resource.openai.azure.com"


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.name)
def test_a_key_is_sent_to_its_own_provider_when_all_are_there(provider: Provider) -> None:
    known = keys(VALUES)
    assert key_for(provider.base_url, known) == f"sk-{provider.name}"
    assert name_of(provider.base_url) == provider.name


@pytest.mark.parametrize(
    "address",
    [
        "http://api.groq.com/openai/v1",
        "https://api.groq.com:8443/openai/v1",
        "https://api.groq.com.example/openai/v1",
        "https://groq.com/openai/v1",
        "https://someone@api.groq.com/openai/v1",
        "http://127.0.0.1:11434/v1",
        "https://[",
        "",
    ],
)
def test_no_key_is_sent_when_the_address_is_not_its_providers(address: str) -> None:
    assert key_for(address, keys(VALUES)) == ""


def test_azures_key_is_known_when_its_address_is_there_and_private() -> None:
    values = {"AZURE_OPENAI_API_KEY": "sk-azure"}
    [key] = keys(values, f"{AZURE}/")
    assert (key.provider.base_url, key.api_key) == (f"{AZURE}/openai/v1", "sk-azure")
    assert key_for(f"{AZURE}/openai/v1", (key,)) == "sk-azure"
    assert keys(values, f"{AZURE}/openai/v1/") == (key,)
    assert keys(values) == keys(values, "http://my-resource.example") == keys({}, AZURE) == ()


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("https://api.openai.com/v1", "sk-general"),
        ("https://models.example/v1", "sk-general"),
        (f"{AZURE}/openai/v1", "sk-general"),
        ("https://api.mistral.ai/v1", ""),
        ("https://api.groq.com/openai/v1", "gsk-own"),
        ("https://127.0.0.1:8443/v1", ""),
        ("http://models.example/v1", ""),
    ],
)
def test_the_general_key_goes_to_no_provider_when_that_has_one_of_its_own(
    address: str, sent: str
) -> None:
    known = keys({"OPENAI_API_KEY": "sk-general", "GROQ_API_KEY": "gsk-own"})
    homes = Homes(Path("unused"), api_key="sk-general", keys=known)
    assert key_of(TierSetting("endpoint", "m", address), homes) == sent
    assert "sk-" not in repr(homes)


@pytest.mark.parametrize(
    ("address", "variable"),
    [
        ("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        (f"{AZURE}/openai/v1", "AZURE_OPENAI_API_KEY"),
        ("https://models.example/v1", ""),
    ],
)
def test_the_variable_is_named_when_a_provider_wants_another_key(
    address: str, variable: str
) -> None:
    general = "OPENAI_API_KEY, which is sent to https addresses that are not on this machine,"
    said = str(meanings._wrong_key(Exception(), Server(address, "m")))
    assert said.startswith(f"{address} wants another key. Set {variable or general} or write")


def test_every_key_is_a_setting_when_a_provider_is_looked_for() -> None:
    variables = {*(one.variable for one in PROVIDERS), "AZURE_OPENAI_API_KEY"}
    assert set(Settings().keys) >= variables


@pytest.mark.anyio
async def test_a_provider_is_asked_for_its_models_alone_when_that_was_allowed(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.api_key = "gsk-own"
    scripted_server.models = [{"id": "openai/gpt-oss-20b"}]
    [groq] = await find([Candidate(scripted_server.base_url, "Groq", "gsk-own")])
    assert (groq.kind, groq.problem, groq.models[0].name) == ("Groq", "", "openai/gpt-oss-20b")
    assert scripted_server.requests == ["GET /v1/models"]


@pytest.mark.anyio
async def test_a_found_key_is_told_and_not_sent_when_nobody_has_allowed_it(
    scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripted_server.api_key = "gsk-own"
    stand_in = Provider("Groq", scripted_server.base_url, "GROQ_API_KEY")
    monkeypatch.setattr(providers, "keys", lambda *_: (Key(stand_in, "gsk-own"),))
    monkeypatch.setattr(discovery, "reach_of", lambda address: "cloud")
    monkeypatch.setenv("NO_PROXY", "*")
    roster = Roster.of(load(data_dir=tmp_path))
    [groq] = await roster.servers()
    assert groq.problem == (
        "A key for Groq is in the environment; its models are asked for only when you allow it."
    )
    assert (groq.is_left_alone, scripted_server.requests) == (True, [])
    [groq] = await roster.servers(remote=True)
    assert (groq.problem, len(groq.models)) == ("", 1)
    assert "gsk" not in repr(groq)
    await roster.close()
