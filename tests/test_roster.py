from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from rag.errors import SettingsError
from rag.models.embedded.model import EmbeddedModel, Status
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
