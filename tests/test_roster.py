from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from scripted_catalogue import ScriptedCatalogue, entry
from scripted_server import Scripted, ScriptedServer

from rag.errors import SettingsError
from rag.models import downloads, tiers
from rag.models.discovery import Candidate
from rag.models.downloads import Download
from rag.models.embedded.model import EmbeddedModel, Status
from rag.models.servers import Servers
from rag.models.tiers import Homes
from rag.models.weights import Progress
from rag.roster import Roster

pytestmark = pytest.mark.anyio


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


def test_it_is_refused_when_a_setting_cannot_be_read(homes: Homes) -> None:
    with pytest.raises(SettingsError):
        Roster(homes, {"slm": "auto", "llm": "gpt"})


async def test_one_model_serves_when_both_tiers_and_a_chat_ask_for_it(homes: Homes) -> None:
    roster = Roster(homes, {"slm": "embedded", "llm": "embedded:qwen2.5-coder-0.5b"})
    small = await roster.resolve("slm")
    assert small.model is (await roster.resolve("llm")).model
    assert small.model is (await roster.resolve("slm", "auto")).model
    assert small.model is not (await roster.resolve("llm", "auto")).model
    await roster.close()


@pytest.mark.parametrize(
    ("status", "state", "progress", "is_ready"),
    [
        (Status("idle", "Later."), "idle", None, False),
        (
            Status("download", "Fetching.", 5, 9),
            "preparing",
            Progress("download", 5, 9, "bytes"),
            False,
        ),
        (
            Status("convert", "Preparing.", 1, 2),
            "preparing",
            Progress("convert", 1, 2, "steps"),
            False,
        ),
        (Status("ready", "Ready."), "ready", None, True),
        (Status("failed", "No network."), "failed", None, True),
    ],
)
async def test_its_stage_is_told_when_a_model_is_embedded(
    homes: Homes, status: Status, state: str, progress: Progress | None, is_ready: bool
) -> None:
    roster = Roster(homes, {"slm": "embedded:smollm2-135m", "llm": "none"})
    model = (await roster.resolve("slm")).model
    assert isinstance(model, EmbeddedModel)
    model.status = status
    told = roster.status("slm")
    assert (told.state, told.progress, told.is_ready) == (state, progress, is_ready)
    assert told.sentence == f"It is chosen in the settings. {status.sentence}"
    assert (told.setting, told.model, told.reach) == (
        "embedded:smollm2-135m",
        "smollm2-135m",
        "machine",
    )


async def test_a_server_is_ready_when_it_was_looked_at(
    homes: Homes, scripted_server: ScriptedServer
) -> None:
    roster = Roster(homes, {"slm": f"{scripted_server.base_url}#small", "llm": "none"})
    assert roster.status("slm").state == "unknown"
    await roster.look("slm")
    status = roster.status("slm")
    await roster.close()
    assert (status.state, status.is_ready) == ("ready", True)
    assert status.capabilities is not None
    assert status.capabilities.streams is True


async def test_an_embedded_model_is_not_started_when_it_is_looked_at(homes: Homes) -> None:
    roster = Roster(homes, {"slm": "embedded:smollm2-135m", "llm": "none"})
    await roster.look("slm")
    assert roster.status("slm").state == "idle"
    assert list(homes.data_dir.iterdir()) == []


async def test_the_reason_is_told_when_a_tier_can_never_work(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    roster = Roster(homes, {"slm": "foundry:phi-4-mini", "llm": "none"})
    await roster.look("slm")
    status = roster.status("slm")
    assert (status.state, status.model) == ("failed", "")
    assert "FOUNDRY_LOCAL_ENDPOINT" in status.sentence


def test_foundry_can_be_chosen_when_its_address_is_set_or_its_runtime_is_installed(
    homes: Homes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "foundry:gpt-oss-20b" in Roster(homes, {}).choices
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    assert "embedded:smollm2-135m" in Roster(homes, {}).choices
    assert not [one for one in Roster(homes, {}).choices if one.startswith("foundry")]
    with_foundry = Homes(tmp_path, "http://127.0.0.1:5273")
    assert "foundry:phi-4-mini" in Roster(with_foundry, {}).choices


# --- auto, among servers that are found


@pytest.fixture
def ollama(scripted_server: ScriptedServer) -> ScriptedServer:
    names = ("llama3.2:3b", "qwen2.5:7b", "nomic-embed-text")
    scripted_server.models = [{"id": name} for name in names]
    scripted_server.pages = {
        "/api/version": {"version": "0.12.11"},
        "/api/tags": {"models": [{"name": name, "digest": name} for name in names]},
        "/api/ps": {"models": []},
    }
    return scripted_server


def around(homes: Homes, server: ScriptedServer, slm: str = "auto", llm: str = "auto") -> Roster:
    places = [Candidate(server.base_url, "Ollama", wanted=False)]
    return Roster(homes, {"slm": slm, "llm": llm}, Servers(homes.data_dir, places))


async def test_auto_is_a_pair_and_says_why_when_a_server_has_both_sizes(
    homes: Homes, ollama: ScriptedServer
) -> None:
    roster = around(homes, ollama)
    small, large = await roster.resolve("slm"), await roster.resolve("llm")
    assert str(small.setting) == f"{ollama.base_url}#llama3.2:3b"
    assert str(large.setting) == f"{ollama.base_url}#qwen2.5:7b"
    assert small.reason == "Ollama on this machine has llama3.2:3b, the largest of at most 5B."
    assert (await roster.resolve("slm"), await roster.resolve("llm")) == (small, large)
    again = around(homes, ollama)
    assert (await again.resolve("llm")).setting == large.setting
    assert ollama.history == []  # nothing was generated


async def test_loaded_models_are_asked_what_they_can_do_when_that_is_waited_for(
    homes: Homes, ollama: ScriptedServer
) -> None:
    ollama.pages["/api/ps"] = {"models": [{"name": "llama3.2:3b", "context_length": 4096}]}
    ollama.fallback = Scripted(("Once ", "upon"), logprobs=[-1.0, -2.0])
    roster = around(homes, ollama)
    [server] = await roster.servers()
    assert [model.capabilities for model in server.models] == [None, None, None]
    [server] = await roster.probed()
    loaded, *others = server.models
    assert loaded.capabilities is not None
    assert (loaded.capabilities.streams, loaded.capabilities.logprobs) == (True, True)
    assert [model.capabilities for model in others] == [None, None]  # they are not loaded
    assert len(ollama.history) == 1
    await roster.probed()
    assert len(ollama.history) == 1
    await roster.close()


async def test_the_larger_model_exceeds_the_small_one_when_that_was_set(
    homes: Homes, ollama: ScriptedServer
) -> None:
    roster = around(homes, ollama, slm=f"{ollama.base_url}#qwen2.5:7b")
    found = await roster.resolve("llm")
    assert (found.setting.home, found.model) == ("none", None)
    roster = around(homes, ollama, slm="embedded")
    assert (await roster.resolve("llm")).setting.model == "qwen2.5:7b"


async def test_auto_falls_back_when_its_server_has_gone(homes: Homes) -> None:
    server = ScriptedServer()
    stop = server.start()
    server.models = [{"id": "llama3.2:3b"}]
    roster = around(homes, server)
    assert (await roster.resolve("slm")).setting.model == "llama3.2:3b"
    stop()
    assert (await roster.resolve("slm")).setting.home == "embedded"
    assert (await roster.resolve("slm")).reason == (
        "No model server was found, so an embedded model is used."
    )


async def test_auto_chooses_anew_when_a_person_looks_again(
    homes: Homes, ollama: ScriptedServer
) -> None:
    roster = around(homes, ollama)
    assert (await roster.resolve("slm")).setting.model == "llama3.2:3b"
    ollama.models.append({"id": "qwen3:4b"})
    assert (await roster.resolve("slm")).setting.model == "llama3.2:3b"
    await roster.servers(again=True)
    assert (await roster.resolve("slm")).setting.model == "qwen3:4b"


# --- made ready in the background


async def test_a_model_is_ready_when_a_chat_has_switched_to_it(
    homes: Homes, scripted_server: ScriptedServer
) -> None:
    setting = f"{scripted_server.base_url}#scripted-model"
    roster = Roster(homes, {"slm": "auto", "llm": "none"})
    roster.warm("slm", setting)
    roster.warm("slm", setting)  # is at work
    await roster._warming["slm", setting]
    assert roster.status("slm", setting).state == "ready"
    assert len(scripted_server.history) == 1  # the probe, which loads it
    assert roster.status("slm").state == "unknown"
    await roster.close()


async def test_a_switch_tells_why_when_its_model_cannot_be_reached(homes: Homes) -> None:
    setting = "http://127.0.0.1:9/v1#m"
    roster = Roster(homes, {"slm": "auto", "llm": "none"})
    roster.warm("slm", setting)
    await roster._warming["slm", setting]
    status = roster.status("slm", setting)
    assert (status.state, status.is_ready) == ("failed", True)
    assert "Nothing answers at http://127.0.0.1:9/v1." in status.sentence
    await roster.close()


async def test_a_model_elsewhere_is_not_warmed_when_a_chat_has_switched_to_it(
    homes: Homes,
) -> None:
    setting = "https://models.example/v1#far"
    roster = Roster(homes, {"slm": "auto", "llm": "none"})
    roster.warm("slm", setting)
    await roster._warming["slm", setting]
    assert roster.status("slm", setting).state == "idle"
    await roster.close()


# --- other machines


async def test_nothing_is_sent_when_a_model_on_another_machine_is_looked_at(homes: Homes) -> None:
    roster = Roster(homes, {"slm": "https://models.example/v1#far", "llm": "none"})
    await roster.look("slm")
    status = roster.status("slm")
    assert (status.state, status.reach) == ("idle", "cloud")
    assert status.sentence == ("It is chosen in the settings. Not asked: it is on another machine.")


# --- one click


async def test_a_trial_tells_speed_and_abilities_when_a_model_answers(
    homes: Homes, ollama: ScriptedServer
) -> None:
    ollama.fallback = Scripted(deltas=("Once ", "upon ", "a time."), logprobs=[-1.0, -2.0, -0.5])
    roster = around(homes, ollama)
    await roster.servers()
    setting = f"{ollama.base_url}#llama3.2:3b"
    trial = await roster.trial(setting)
    assert (trial.setting, trial.model, trial.error) == (setting, "llama3.2:3b", "")
    assert (trial.reach, trial.is_cold) == ("machine", True)
    assert trial.first_token_ms is not None
    assert trial.tokens_per_second is not None
    assert trial.capabilities is not None
    assert (trial.capabilities.streams, trial.capabilities.logprobs) == (True, True)
    [server] = await roster.servers()
    assert server.models[0].capabilities == trial.capabilities
    await roster.close()
    [server] = await around(homes, ollama).servers()
    assert server.models[0].capabilities == trial.capabilities


async def test_a_trial_probes_anew_when_a_model_was_tried_before(
    homes: Homes, ollama: ScriptedServer
) -> None:
    roster = around(homes, ollama)
    for _ in range(2):
        await roster.trial(f"{ollama.base_url}#llama3.2:3b")
    assert len(ollama.history) == 4  # two probes, two trials


async def test_a_trial_is_a_sentence_when_nothing_answers(homes: Homes) -> None:
    roster = Roster(homes, {"slm": "auto", "llm": "none"})
    trial = await roster.trial("http://127.0.0.1:9/v1#m")
    assert trial.error.startswith("Nothing answers at http://127.0.0.1:9/v1.")
    assert (trial.first_token_ms, trial.capabilities) == (None, None)
    with pytest.raises(SettingsError):
        await roster.trial("gpt")
    with pytest.raises(SettingsError):
        await roster.trial("none")


async def test_a_model_elsewhere_is_probed_once_when_the_program_starts_twice(
    homes: Homes, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(tiers, "reach_of", lambda address: "network")
    for probes in (1, 1):
        roster = around(homes, scripted_server, slm=f"{scripted_server.base_url}#scripted-model")
        await roster.servers()
        await roster.look("slm", remote=True)
        assert roster.status("slm").state == "ready"
        await roster.close()
        assert len(scripted_server.history) == probes


# --- what a person adds


async def test_an_added_key_is_sent_to_its_own_server_alone(
    homes: Homes, scripted_server: ScriptedServer
) -> None:
    scripted_server.api_key = "sk-own"
    roster = Roster(homes, {"slm": "auto", "llm": "none"})
    shown = await roster.add(f"{scripted_server.base_url}#m", "sk-own")
    assert shown == scripted_server.base_url
    [server] = await roster.servers()
    assert (server.is_added, server.problem) == (True, "")
    trial = await roster.trial(server.setting(server.models[0]))
    assert trial.error == ""
    other = await roster.resolve("slm", "http://127.0.0.1:9/v1#m")
    assert other.model._api_key == ""
    assert "sk-own" not in f"{server!r}{trial!r}{roster.status('slm', trial.setting)!r}"
    await roster.remove(shown)
    assert await roster.servers() == ()
    await roster.close()


async def test_a_new_key_is_used_when_an_address_is_added_anew(
    homes: Homes, scripted_server: ScriptedServer
) -> None:
    scripted_server.api_key = "sk-new"
    roster = Roster(homes, {"slm": f"{scripted_server.base_url}#m", "llm": "none"})
    await roster.add(scripted_server.base_url, "sk-old")
    await roster.look("slm")
    assert roster.status("slm").state == "failed"
    await roster.add(scripted_server.base_url, "sk-new")
    await roster.look("slm")
    assert roster.status("slm").state == "ready"
    await roster.close()


# --- what can be fetched


async def test_what_can_be_fetched_is_told_with_its_size(homes: Homes) -> None:
    found = {one.setting: one for one in await Roster(homes, {}).downloads()}
    small = found["embedded:qwen2.5-coder-0.5b"]
    assert (small.tier, small.licence, small.is_installed) == ("slm", "Apache-2.0", False)
    assert (small.size_bytes, small.memory_bytes) == (491_400_064, 1_230_000_000)


async def test_recommended_models_of_foundry_can_be_fetched_when_its_runtime_is_installed(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {one.setting: one for one in await Roster(homes, {}).downloads()}
    assert found["foundry:phi-4-mini"] == Download(
        "foundry:phi-4-mini", "phi-4-mini (Foundry Local)", "slm", "", None, None, False
    )
    assert found["foundry:gpt-oss-20b"].tier == "llm"
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    names = [one.setting for one in await Roster(homes, {}).downloads(remote=True)]
    assert not [name for name in names if name.startswith("foundry")]


async def test_sizes_and_licences_of_foundry_are_known_when_its_catalogue_was_asked(
    homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = ScriptedCatalogue()
    catalogue.entries = [entry("Phi-cpu", "phi-4-mini", "cpu", 3_600 * 2**20)]
    asked = partial(downloads.catalogue.listed, catalogue_url=catalogue.url)
    monkeypatch.setattr(downloads.catalogue, "listed", asked)
    roster = Roster(homes, {})
    await roster.downloads(remote=True)
    catalogue.close()
    found = {one.setting: one for one in await roster.downloads()}
    assert found["foundry:phi-4-mini"] == Download(
        "foundry:phi-4-mini",
        "Phi-4-Mini (Foundry Local)",
        "slm",
        "MIT",
        3_600 * 2**20,
        None,
        False,
    )


async def test_it_is_refused_when_what_is_to_be_fetched_is_not_offered(homes: Homes) -> None:
    roster = Roster(homes, {})
    for setting in ("embedded:gpt-9", "http://127.0.0.1:9/v1#m", "none"):
        with pytest.raises(SettingsError):
            await roster.pull(setting, lambda progress: None, threading.Event())
