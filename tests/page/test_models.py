from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rag.errors import DownloadFailed, NotFound, SettingsError
from rag.models.dialects import FoundModel
from rag.models.discovery import FoundServer
from rag.models.downloads import Download
from rag.models.status import TierStatus
from rag.models.tiers import parse
from rag.models.trial import Trial
from rag.models.weights import Progress
from rag.page import model_list
from rag.page.choices import Choices
from rag.page.models import Models
from rag.page.wording import Wording
from rag.settings import Settings, load
from rag.types import Capabilities, Tier

pytestmark = pytest.mark.anyio

OLLAMA = "http://127.0.0.1:11434/v1"
LLAMA = FoundModel("llama3.2:3b", parameters_b=3.2, size_bytes=2_019_000_000, context_tokens=4096)
SERVER = FoundServer("Ollama", OLLAMA, "machine", (LLAMA, FoundModel("nomic", purpose="embedding")))
CLOUD = FoundServer("", "https://api.example.com/v1", "cloud", is_added=True, problem="Not asked.")
SMALL = Download("embedded:small", "Small-Instruct", "slm", "MIT", 98_000_000, None, False)
READY = Download(
    "embedded:ready", "Ready", None, "MIT", 9_000_000, 500_000_000, True, disk_bytes=9_000_000
)
TRIAL = Trial(
    f"{OLLAMA}#llama3.2:3b", "llama3.2:3b", "machine", True, 2300.0, 84.0, 31.4,
    Capabilities(True, True, False, 4096),
)  # fmt: skip


class Source:
    """A roster that has what a test puts into it."""

    def __init__(self) -> None:
        self.found: tuple[FoundServer, ...] = (SERVER, CLOUD)
        self.looks: list[tuple[bool, bool]] = []
        self.added: list[tuple[str, str]] = []
        self.pull_ends = asyncio.Event()
        self.pull_error: str = ""
        self.stop: threading.Event | None = None

    async def servers(self, *, again: bool = False, remote: bool = False) -> Any:
        self.looks.append((again, remote))
        return self.found

    async def probed(self) -> Any:
        return self.found

    async def downloads(self, *, remote: bool = False) -> tuple[Download, ...]:
        return (SMALL, READY)

    async def trial(self, setting: str) -> Trial:
        if not setting:
            raise SettingsError("There is nothing to try.")
        return TRIAL

    async def add(self, address: str, key: str = "") -> str:
        self.added.append((address, key))
        return address

    async def remove(self, address: str) -> None:
        raise NotFound(f"{address} was not added.")

    async def pull(
        self, setting: str, on_progress: Callable[[Progress], None], stop: threading.Event
    ) -> None:
        self.stop = stop
        on_progress(Progress("download", 49_000_000, 98_000_000, "bytes"))
        await self.pull_ends.wait()
        if self.pull_error:
            raise DownloadFailed(self.pull_error)

    async def resolve(self, tier: Tier, setting: str | None = None) -> object:
        if setting == "nonsense":
            raise SettingsError("“nonsense” names no model.")
        return None

    def status(self, tier: Tier, setting: str | None = None) -> TierStatus:
        return TierStatus(tier, setting or "", "small", "ready", "small answers.", reach="machine")


def settings() -> Settings:
    return load(slm="https://secret@api.example.com/v1#m", llm="none")


async def shown(models: Models, choice: Choices | None = None, language: str = "en") -> Any:
    words = Wording(language)
    return await model_list.shown(models, choice or Choices("auto"), settings(), words, "")


async def looked() -> Models:
    models = Models(Source())
    await models.look()
    return models


async def test_the_panel_shows_at_once_that_nothing_was_looked_for_yet() -> None:
    panel = await shown(Models(Source()))
    assert (panel["is_looking"], panel["groups"], panel["nothing"]) == (True, [], "")


async def test_models_are_grouped_by_their_server_when_some_were_found() -> None:
    panel = await shown(await looked())
    assert [group["title"] for group in panel["groups"]] == [
        "Embedded", "Ollama on this machine", "api.example.com",
    ]  # fmt: skip
    embedded, ollama, cloud = panel["groups"]
    assert embedded["rows"][0]["facts"] == ["Ready", "9 MB on disk", "500 MB of memory", "MIT"]
    [row] = ollama["rows"]  # the other is made for something else
    assert (row["name"], row["facts"]) == (
        "llama3.2:3b", ["3.2 B", "2.0 GB", "4,096 tokens of context"],
    )  # fmt: skip
    assert (cloud["place"]["text"], cloud["problem"], cloud["can_forget"]) == (
        "cloud", "Not asked.", True,
    )  # fmt: skip
    assert [one["name"] for one in panel["downloads"]] == ["small"]
    assert panel["downloads"][0]["purpose"] == "recommended as small model"


async def test_what_could_be_installed_is_said_when_nothing_was_found() -> None:
    models = Models(Source())
    models.source.found = ()  # type: ignore[attr-defined]
    await models.look()
    assert "install Ollama" in (await shown(models))["nothing"]


async def test_a_tier_offers_all_that_was_found_when_it_is_chosen() -> None:
    choice = Choices("auto", slm="http://127.0.0.1:9/v1#gone")
    small, large = (await shown(await looked(), choice))["tiers"]
    assert [
        (group["title"], [one["value"] for one in group["options"]]) for group in small["options"]
    ] == [
        ("", ["as-set"]),
        ("Embedded", ["embedded:small", "embedded:ready"]),
        ("Ollama on this machine", [f"{OLLAMA}#llama3.2:3b"]),
        ("", ["http://127.0.0.1:9/v1#gone"]),
    ]
    assert (small["value"], large["value"]) == ("http://127.0.0.1:9/v1#gone", "as-set")
    assert [one["value"] for one in large["options"][0]["options"]] == ["as-set", "none"]


async def test_no_key_is_shown_when_a_setting_holds_one() -> None:
    panel = await shown(await looked())
    assert "secret" not in str(panel)
    first = panel["tiers"][0]["options"][0]["options"][0]["text"]
    assert first == "As configured: https://api.example.com/v1#m"


async def test_a_tier_says_what_is_wrong_when_its_setting_is_nonsense() -> None:
    small, _ = (await shown(await looked(), Choices("auto", slm="nonsense")))["tiers"]
    assert (small["is_problem"], small["why"]) == (True, "“nonsense” names no model.")


async def test_a_trial_stands_beside_its_model_when_it_was_tested() -> None:
    models = await looked()
    assert await models.act("test", TRIAL.setting) == ""
    row = (await shown(models))["groups"][1]["rows"][0]
    assert row["trial"] == {
        "is_good": True,
        "text": "loaded in 2.3 s · first word after 84 ms · 31 tokens/s",
    }
    models.trials[TRIAL.setting] = Trial(
        TRIAL.setting, "llama3.2:3b", "machine", error="Nothing answers."
    )
    row = (await shown(models))["groups"][1]["rows"][0]
    assert row["trial"] == {"is_good": False, "text": "Nothing answers."}


async def test_other_machines_are_asked_only_when_a_person_looks_again() -> None:
    models = await looked()
    await models.act("look", "")
    await models.add("http://192.168.0.9/v1", "secret")
    assert models.source.looks == [(False, False), (True, True), (True, False)]  # type: ignore[attr-defined]


async def test_a_key_is_kept_apart_when_it_was_typed_into_an_address() -> None:
    models = await looked()
    typed = {
        "slm_other": parse("https://secret@api.example.com/v1#m"),
        "llm_other": parse("http://127.0.0.1:1/v1#m"),
    }
    assert await models.take_keys(typed) == {"slm_other": "https://api.example.com/v1#m"}
    assert models.source.added == [("https://api.example.com/v1", "secret")]  # type: ignore[attr-defined]


async def test_a_sentence_comes_back_when_what_was_pressed_failed() -> None:
    models = await looked()
    assert await models.act("remove", "http://a") == "http://a was not added."
    assert await models.act("test", "") == "There is nothing to try."


async def test_progress_is_shown_while_a_model_is_fetched() -> None:
    models = await looked()
    await models.act("pull", SMALL.setting)
    await models.act("pull", SMALL.setting)  # pressed twice
    await asyncio.sleep(0)
    panel = await shown(models)
    assert panel["is_busy"]
    assert panel["downloads"][0]["pull"] == {
        "error": "", "text": "Fetching 50% · 49 MB / 98 MB", "share": 0.5,
    }  # fmt: skip
    models.source.pull_ends.set()  # type: ignore[attr-defined]
    await models.close()
    assert models.pulls == {}


async def test_fetching_ends_when_it_is_cancelled() -> None:
    models = await looked()
    await models.act("pull", SMALL.setting)
    await asyncio.sleep(0)
    await models.act("cancel", SMALL.setting)
    assert models.source.stop.is_set()  # type: ignore[attr-defined]
    assert not (await shown(models))["is_busy"]


async def test_why_it_ended_is_shown_when_a_model_cannot_be_fetched() -> None:
    models = await looked()
    models.source.pull_error = "No mirror answered."  # type: ignore[attr-defined]
    models.source.pull_ends.set()  # type: ignore[attr-defined]
    await models.act("pull", SMALL.setting)
    await asyncio.gather(*(pull.task for pull in models.pulls.values() if pull.task))
    panel = await shown(models)
    assert panel["downloads"][0]["pull"]["error"] == "No mirror answered."
    assert not panel["is_busy"]


async def test_the_panel_is_romanian_when_the_page_is() -> None:
    panel = await shown(await looked(), language="ro")
    assert panel["groups"][1]["title"] == "Ollama pe acest calculator"
    assert panel["downloads"][0]["purpose"] == "recomandat ca model mic"
