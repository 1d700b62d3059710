"""From a tier's setting to a model that is not connected yet, and the reason for it."""

from __future__ import annotations

import re
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from rag.errors import SettingsError
from rag.models.dialects import FOUNDRY, FoundModel
from rag.models.discovery import NOT_ASKED, FoundServer
from rag.models.embedded.model import EmbeddedModel
from rag.models.endpoint import EndpointModel
from rag.models.foundry.model import FoundryModel
from rag.models.foundry.source import Pulled, note
from rag.models.tiers import EMBEDDED, Homes, Resolved, TierSetting, parse, resolve
from rag.types import Tier

pytestmark = pytest.mark.anyio

NOWHERE = Homes(Path("unused"))
OLLAMA = "http://127.0.0.1:11434/v1"
SERVICE = "http://127.0.0.1:57349"
TINY = Path(__file__).parent.parent / "data" / "tiny-llama-onnx"


async def chosen(tier: Tier, setting: str, homes: Homes = NOWHERE) -> Resolved:
    return await resolve(tier, parse(setting), homes)


# --- what a setting says


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("auto", TierSetting("auto")),
        ("", TierSetting("auto")),
        (" none ", TierSetting("none")),
        ("embedded:smollm2-135m", TierSetting("embedded", "smollm2-135m")),
        ("embedded", TierSetting("embedded")),
        ("foundry:phi-4-mini", TierSetting("foundry", "phi-4-mini")),
        ("foundry", TierSetting("foundry")),
        (f"{OLLAMA}#llama3.2:3b", TierSetting("endpoint", "llama3.2:3b", OLLAMA)),
        ("http://127.0.0.1:11434", TierSetting("endpoint", "", OLLAMA)),
        ("http://127.0.0.1:11434/#a/b", TierSetting("endpoint", "a/b", OLLAMA)),
        (f"{OLLAMA}/chat/completions", TierSetting("endpoint", "", OLLAMA)),
        (
            "https://x.openai.azure.com/openai/v1/#gpt%2D4o",
            TierSetting("endpoint", "gpt-4o", "https://x.openai.azure.com/openai/v1"),
        ),
        ("http://[::1]:8080#m", TierSetting("endpoint", "m", "http://[::1]:8080/v1")),
        (
            "https://sk%2Dkey@host/v1#m",
            TierSetting("endpoint", "m", "https://host/v1", "sk-key"),
        ),
    ],
)
def test_setting_is_understood_when_it_has_a_known_form(
    setting: str, expected: TierSetting
) -> None:
    assert parse(setting) == expected


@pytest.mark.parametrize(
    "setting",
    [
        "qwen2.5-coder-0.5b",
        "ollama:llama3.2",
        "auto:fast",
        "ftp://host/v1",
        "http://",
        "http:///v1#m",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://user:hunter2@host/v1",
        "https://host/v1?api-key=hunter2",
        "127.0.0.1:11434",
    ],
)
def test_error_shows_what_to_write_when_a_setting_makes_no_sense(setting: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(setting)
    assert "http://127.0.0.1:11434/v1#llama3.2:3b" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("auto", "auto"),
        ("embedded:smollm2-135m", "embedded:smollm2-135m"),
        (f"{OLLAMA}#llama3.2", f"{OLLAMA}#llama3.2"),
        (OLLAMA, OLLAMA),
        ("https://sk-key@host/v1#m", "https://host/v1#m"),
    ],
)
def test_key_is_left_out_when_a_setting_is_shown(setting: str, shown: str) -> None:
    assert str(parse(setting)) == shown
    assert "sk-key" not in repr(parse(setting))


# --- what it becomes


async def test_tier_has_no_model_when_switched_off() -> None:
    resolved = await chosen("llm", "none")
    assert resolved == Resolved(
        "llm", TierSetting("none"), None, "It is switched off in the settings."
    )


async def test_address_becomes_a_model_when_nothing_answers_there_yet() -> None:
    resolved = await chosen("slm", f"{OLLAMA}#llama3.2")
    assert isinstance(resolved.model, EndpointModel)
    assert (resolved.model.name, resolved.model.reach) == ("llama3.2", "machine")
    assert resolved.reason == "It is chosen in the settings."
    with pytest.raises(FrozenInstanceError):
        resolved.model = None  # type: ignore[misc]


async def test_first_model_is_used_when_an_address_names_none(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.models = [{"id": "only"}]
    model = (await chosen("slm", scripted_server.base_url)).model
    await model.ready()
    assert model.name == "only"
    await model.aclose()


@pytest.mark.parametrize(
    ("setting", "sent"),
    [
        ("https://api.openai.com/v1#m", "sk-general"),
        ("https://sk-own@api.openai.com/v1#m", "sk-own"),
        ("http://192.168.0.2:8000/v1#m", ""),
        ("http://sk-own@192.168.0.2:8000/v1#m", "sk-own"),
        (f"{OLLAMA}#m", ""),
        ("https://localhost/v1#m", ""),
        ("http://sk-own@127.0.0.1:8080/v1#m", "sk-own"),
    ],
)
async def test_key_goes_where_it_should_when_there_is_one(setting: str, sent: str) -> None:
    resolved = await chosen("slm", setting, Homes(Path("unused"), api_key="sk-general"))
    assert resolved.model._api_key == sent
    assert "sk-" not in repr(resolved)


async def test_key_of_the_address_is_sent_when_the_server_is_on_this_machine(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.api_key = "sk-own"
    address = scripted_server.base_url.replace("//", "//sk-own@")
    model = (await chosen("slm", f"{address}#m")).model
    await model.ready()
    assert scripted_server.history[0].headers["authorization"] == "Bearer sk-own"
    await model.aclose()


# --- Foundry Local


async def test_foundry_says_what_to_install_or_start_when_there_is_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    told = r"pip install -r requirements-foundry.txt.*service start.*FOUNDRY_LOCAL_ENDPOINT"
    with pytest.raises(SettingsError, match=told):
        await chosen("slm", "foundry:phi-4-mini")


async def test_foundry_is_in_this_program_when_no_service_has_the_model(tmp_path: Path) -> None:
    homes = Homes(tmp_path, found=(foundry("another"),))
    model = (await chosen("slm", "foundry:phi-4-mini", homes)).model
    assert isinstance(model, FoundryModel)
    assert (model.name, model.reach, model.address) == ("phi-4-mini", "machine", "")


async def test_foundry_is_the_found_service_when_it_has_the_model(tmp_path: Path) -> None:
    homes = Homes(tmp_path, found=(foundry("phi-4-mini"),))
    model = (await chosen("slm", "foundry:phi-4-mini", homes)).model
    assert isinstance(model, EndpointModel)


async def test_a_folder_is_served_here_when_there_is_a_service(tmp_path: Path) -> None:
    homes = Homes(tmp_path, SERVICE)
    model = (await chosen("slm", f"foundry:{TINY}", homes)).model
    assert isinstance(model, FoundryModel)
    assert model.name == "tiny-llama-onnx"


async def test_auto_is_a_model_fetched_from_foundry_when_no_server_has_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "phi").mkdir()
    (tmp_path / "phi" / "genai_config.json").write_text("{}")
    phi = Pulled("phi-4-mini", "phi:1", "cpu", "", "MIT", 1, tmp_path / "phi", tmp_path / "phi")
    note(tmp_path, phi)
    resolved = await chosen("slm", "auto", Homes(tmp_path))
    assert resolved.setting == TierSetting("foundry", "phi-4-mini")
    assert resolved.reason == "phi-4-mini was fetched from the catalogue of Foundry Local."


@pytest.mark.parametrize(
    ("endpoint", "base_url"),
    [
        ("http://127.0.0.1:57349/", "http://127.0.0.1:57349/v1"),
        ("http://127.0.0.1:57349/v1", "http://127.0.0.1:57349/v1"),
        ("http://localhost", "http://localhost:5273/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
    ],
)
async def test_foundry_is_at_its_address_when_one_is_set(endpoint: str, base_url: str) -> None:
    resolved = await chosen("slm", "foundry:phi-4-mini", Homes(Path("unused"), endpoint))
    assert (resolved.model.name, resolved.model._base_url) == ("phi-4-mini", base_url)


async def test_alias_is_the_services_own_name_when_it_is_first_used(
    scripted_server: ScriptedServer,
) -> None:
    scripted_server.models = [{"id": "Phi-4-mini-instruct-generic-cpu:5"}]
    homes = Homes(Path("unused"), scripted_server.base_url)
    model = (await chosen("slm", "foundry", homes)).model
    await model.ready()
    assert model.name == "Phi-4-mini-instruct-generic-cpu:5"
    await model.aclose()


# --- auto


def foundry(*names: str, problem: str = "") -> FoundServer:
    models = tuple(FoundModel(name) for name in names)
    return FoundServer(FOUNDRY, f"{SERVICE}/v1", "machine", models, problem=problem)


@pytest.mark.parametrize(
    ("tier", "name", "alias"),
    [
        ("slm", "Phi-4-mini-instruct-generic-cpu:5", "phi-4-mini"),
        ("llm", "gpt-oss-20b-cuda-gpu:1", "gpt-oss-20b"),
    ],
)
async def test_auto_is_foundry_when_its_service_has_the_model(
    tier: Tier, name: str, alias: str
) -> None:
    homes = Homes(Path("unused"), SERVICE, found=(foundry("another", name),))
    resolved = await chosen(tier, "auto", homes)
    assert resolved.setting == TierSetting("foundry", alias)
    assert resolved.reason == f"Foundry Local on this machine has {alias}."


async def test_auto_is_the_services_address_when_it_was_found_and_not_set() -> None:
    resolved = await chosen("slm", "auto", Homes(Path("unused"), found=(foundry("phi-4-mini"),)))
    assert resolved.setting == TierSetting("endpoint", "phi-4-mini", f"{SERVICE}/v1")


@pytest.mark.parametrize("tier", ["slm", "llm"])
async def test_auto_is_embedded_when_nothing_was_found(tier: Tier) -> None:
    resolved = await chosen(tier, "auto")
    assert resolved.setting == TierSetting("embedded", EMBEDDED[tier])
    assert isinstance(resolved.model, EmbeddedModel)
    assert (resolved.model.name, resolved.model.reach) == (EMBEDDED[tier], "machine")
    assert resolved.reason == "No model server was found, so an embedded model is used."


async def test_auto_is_embedded_when_the_service_has_other_models() -> None:
    homes = Homes(Path("unused"), SERVICE, found=(foundry("another"),))
    resolved = await chosen("slm", "auto", homes)
    assert resolved.setting.home == "embedded"
    assert resolved.reason == "No other small model was found, so an embedded model is used."


async def test_auto_tells_what_hinders_when_a_known_service_is_off() -> None:
    homes = Homes(Path("unused"), SERVICE, found=(foundry(problem="Nothing answers there."),))
    resolved = await chosen("slm", "auto", homes)
    assert resolved.setting.home == "embedded"
    assert resolved.reason == (
        "No model server was found, so an embedded model is used. Nothing answers there."
    )


async def test_auto_says_nothing_of_a_provider_when_it_was_not_asked() -> None:
    openai = FoundServer("OpenAI", "https://api.openai.com/v1", "cloud", problem=NOT_ASKED)
    resolved = await chosen("llm", "auto", Homes(Path("unused"), found=(openai,)))
    assert resolved.reason == "No model server was found, so an embedded model is used."


async def test_auto_is_no_larger_model_when_none_exceeds_the_small_one() -> None:
    resolved = await resolve("llm", parse("auto"), NOWHERE, above_b=3.2)
    assert (resolved.setting, resolved.model) == (TierSetting("none"), None)
    assert resolved.reason == (
        "No model larger than the small one was found, so that one answers alone."
    )


async def test_key_that_was_added_is_sent_when_its_server_is_chosen() -> None:
    own = TierSetting("endpoint", "", "http://192.168.0.2:8000/v1", "sk-own")
    homes = Homes(Path("unused"), api_key="sk-general", added=(own,))
    resolved = await chosen("slm", "http://192.168.0.2:8000/v1#m", homes)
    assert resolved.model._api_key == "sk-own"
    assert (await chosen("slm", f"{OLLAMA}#m", homes)).model._api_key == ""
    assert "sk-" not in repr(homes)


async def test_a_model_is_of_the_cloud_when_its_local_server_hands_prompts_on() -> None:
    model = (await chosen("llm", f"{OLLAMA}#gpt-oss:120b-cloud")).model
    assert (model.reach, model.address) == ("cloud", "http://127.0.0.1:11434")


async def test_embedded_is_the_tiers_default_when_no_name_is_given() -> None:
    assert (await chosen("llm", "embedded")).model.name == "qwen2.5-coder-1.5b"
    assert (await chosen("llm", "embedded:smollm2-135m")).model.name == "smollm2-135m"


async def test_embedded_models_are_named_when_there_is_no_such_one() -> None:
    with pytest.raises(SettingsError, match=r"“gpt-9”.*qwen2\.5-coder-0\.5b"):
        await chosen("slm", "embedded:gpt-9")


# --- what the documentation promises


def test_every_setting_is_understood_when_the_documentation_shows_it() -> None:
    text = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")
    shown = re.findall(r"^RAG_[SL]LM=(\S+)$", text, re.MULTILINE)
    assert len(shown) == 9
    homes = {parse(setting).home for setting in shown}
    assert homes == {"foundry", "endpoint"}
