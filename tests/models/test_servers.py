"""What is kept of servers from one start to the next: added addresses, keys, abilities."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from scripted_server import ScriptedServer

from rag.errors import NotFound, SettingsError
from rag.models import added, discovery
from rag.models.discovery import Candidate
from rag.models.remembered import Remembered
from rag.models.servers import Servers
from rag.models.tiers import TierSetting
from rag.types import Capabilities

pytestmark = pytest.mark.anyio

CAN = Capabilities(streams=True, reports_usage=True, logprobs=False, context_tokens=4096)
FAR = TierSetting("endpoint", "", "http://192.168.0.2:8000/v1", "sk-own")


# --- what was added


async def test_an_added_server_is_there_when_another_process_starts(tmp_path: Path) -> None:
    await Servers(tmp_path).add(FAR)
    again = Servers(tmp_path)
    assert again.added == (FAR,)
    await again.remove(FAR.base_url)
    assert Servers(tmp_path).added == ()


async def test_a_key_is_replaced_when_its_address_is_added_anew(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    await servers.add(FAR)
    await servers.add(TierSetting("endpoint", "", FAR.base_url, "sk-new"))
    assert [one.api_key for one in Servers(tmp_path).added] == ["sk-new"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folder from others itself")
async def test_nobody_else_may_read_the_file_when_it_holds_a_key(tmp_path: Path) -> None:
    (tmp_path / added.FILE).write_text("[]")
    (tmp_path / added.FILE).chmod(0o644)
    await Servers(tmp_path).add(FAR)
    assert stat.S_IMODE((tmp_path / added.FILE).stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [added.FILE]


def test_a_key_is_hidden_when_servers_are_shown() -> None:
    assert "sk-own" not in repr(FAR)
    assert "sk-own" not in str(FAR)


async def test_it_is_an_error_when_what_is_removed_was_never_added(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await Servers(tmp_path).remove(FAR.base_url)


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"address": "gpt"}]', "\x00"])
def test_nothing_was_added_when_the_file_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / added.FILE).write_text(text)
    assert Servers(tmp_path).added == ()


async def test_a_sentence_says_so_when_an_address_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be kept"):
        await Servers(tmp_path / "file").add(FAR)


@pytest.mark.parametrize(
    ("address", "key", "expected"),
    [
        ("192.168.0.2:8000", "sk-own", FAR),
        ("http://sk-own@192.168.0.2:8000/v1#a-model", "", FAR),
        ("http://sk-old@192.168.0.2:8000/v1", " sk-own ", FAR),
    ],
)
def test_an_address_is_understood_when_a_person_types_it(
    address: str, key: str, expected: TierSetting
) -> None:
    assert added.setting(address, key) == expected


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("", ""),
        ("embedded:smollm2-135m", ""),
        ("ftp://host/v1", ""),
        ("http://host/v1?api-key=hunter2", ""),
        ("http://host/v1", "hunter2\r\nx-other: 1"),
        ("http://host/v1", "hunter2 hunter2"),
        ("http://host/v1", "hunter2é"),
    ],
)
def test_an_address_is_refused_when_it_or_its_key_makes_no_sense(address: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        added.setting(address, key)
    assert "hunter2" not in str(caught.value)


# --- what was seen


async def test_abilities_are_shown_when_an_earlier_run_saw_them(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    places = [Candidate(scripted_server.base_url)]
    first = Servers(tmp_path, places)
    [server] = await first.look()
    assert server.models[0].capabilities is None
    await first.note(server.base_url, "scripted-model", CAN)
    [server] = await Servers(tmp_path, places).look()
    assert server.models[0].capabilities == CAN


async def test_abilities_are_forgotten_when_the_model_behind_a_name_has_changed(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.models = [{"id": "a:3b"}]
    tags = {"models": [{"name": "a:3b", "digest": "one"}]}
    scripted_server.pages = {"/api/version": {"version": "0.12"}, "/api/tags": tags}
    places = [Candidate(scripted_server.base_url)]
    servers = Servers(tmp_path, places)
    await servers.look()
    await servers.note(scripted_server.base_url, "a:3b", CAN)
    assert servers.recall(scripted_server.base_url, "a:3b") == CAN
    for changed in ({"/api/version": {"version": "0.13"}}, {}):
        scripted_server.pages |= changed
        tags["models"][0]["digest"] = "one" if changed else "two"
        await servers.look(again=True)
        assert servers.recall(scripted_server.base_url, "a:3b") is None
        scripted_server.pages["/api/version"] = {"version": "0.12"}


@pytest.mark.parametrize("text", ["", "[]", '{"http://a/v1#m": {"stamp": "", "can": {"odd": 1}}}'])
def test_nothing_is_remembered_when_the_file_is_damaged(tmp_path: Path, text: str) -> None:
    (tmp_path / "capabilities.json").write_text(text)
    assert Servers(tmp_path).recall("http://a/v1", "m") is None


async def test_no_key_is_written_when_abilities_are_kept(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.api_key = "sk-own"
    servers = Servers(tmp_path, [Candidate(scripted_server.base_url, api_key="sk-own")])
    [server] = await servers.look()
    await servers.note(server.base_url, "scripted-model", CAN)
    kept = (tmp_path / "capabilities.json").read_text()
    assert "sk-own" not in kept
    assert list(json.loads(kept)) == [f"{server.base_url}#scripted-model"]


def test_nothing_is_lost_when_abilities_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remembered = Remembered(tmp_path / "file")
    remembered.note("http://a/v1", "m", "", CAN)
    assert remembered.recall("http://a/v1", "m", "") is None


async def test_nothing_is_kept_of_a_server_when_it_was_not_looked_at(tmp_path: Path) -> None:
    await Servers(tmp_path).note("http://a/v1", "m", CAN)
    assert os.listdir(tmp_path) == []


async def test_abilities_of_an_earlier_run_are_taken_when_nothing_was_looked_at_yet(
    tmp_path: Path,
) -> None:
    Remembered(tmp_path).note("http://a/v1", "m", "Ollama 0.12", CAN)
    assert Servers(tmp_path).recall("http://a/v1", "m") == CAN


# --- looking


async def test_servers_are_looked_for_once_when_many_ask(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    servers = Servers(tmp_path, [Candidate(scripted_server.base_url)])
    assert await servers.look() == await servers.look()
    assert scripted_server.requests.count("GET /v1/models") == 1
    await servers.look(again=True)
    assert scripted_server.requests.count("GET /v1/models") == 2


async def test_an_added_server_is_looked_at_with_its_key_when_it_has_one(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.api_key = "sk-own"
    servers = Servers(tmp_path)
    assert await servers.look() == ()
    await servers.add(TierSetting("endpoint", "", scripted_server.base_url, "sk-own"))
    [server] = await servers.look()
    assert (server.is_added, server.problem, len(server.models)) == (True, "", 1)


async def test_a_server_elsewhere_is_asked_when_it_was_just_typed(
    tmp_path: Path, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "reach_of", lambda address: "network")
    monkeypatch.setenv("NO_PROXY", "*")
    typed = TierSetting("endpoint", "", scripted_server.base_url)
    await Servers(tmp_path).add(typed)
    [unasked] = await Servers(tmp_path).look()
    assert (unasked.is_left_alone, scripted_server.requests) == (True, [])
    servers = Servers(tmp_path)
    await servers.add(typed)
    [asked] = await servers.look()
    assert (asked.problem, len(asked.models)) == ("", 1)
