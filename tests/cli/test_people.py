from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from cli.running import Output, as_json, refused

from rag.cli import main
from rag.measuring.ledger import LEDGER, Ledger, record
from rag.people.accounts import PEOPLE, Accounts
from rag.people.archive import Archive, Feedback
from rag.people.database import database_of
from rag.people.shelf import FOLDER, Shelf
from rag.types import Document, Failed

ID = "0" * 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Of Ann, who has an account and a chat, and of the one person without a login."""
    data = tmp_path / "data"
    Accounts(data / PEOPLE).add("ann", "correct horse")
    database = database_of("", data)
    archive, shelf = Archive(database), Shelf(database, data / FOLDER)
    said = [
        ("user_message", "How much?"),
        ("tool", "a search"),
        ("assistant_message", "40 litres."),
    ]
    for number, (kind, text) in enumerate(said):
        step = {
            "id": f"s{number}",
            "type": kind,
            "output": text,
            "createdAt": f"2026-01-0{number + 1}",
        }
        archive.put_step("ann", "c1", step)
    archive.put_feedback("ann", Feedback("f", "s2", 1, "right"))
    archive.begin("", "c2", "")
    (tmp_path / "pump.txt").write_bytes(b"40 litres")
    document = Document(ID, "../pump: 1.txt", "text/plain", ("40 litres",), "en")
    shelf.put("ann", "c1", document, (), tmp_path / "pump.txt")
    record(data / LEDGER, Failed("It broke."), "auto", "ann", "c1")
    record(data / LEDGER, Failed("It broke."), "auto", "bo", "c3")
    database.close()
    return data


def test_a_password_is_read_from_stdin_when_nobody_can_be_asked(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert as_json(capsys, "people", "add", "ann") == {"name": "ann", "is_new": True}
    monkeypatch.setattr("sys.stdin", io.StringIO("battery staple\n"))
    assert main(["people", "add", "ann"]) == 0
    assert capsys.readouterr().out == "ann has another password.\n"
    accounts = Accounts(tmp_path / "data" / PEOPLE)
    assert accounts.check("ann", "correct horse") is None
    assert accounts.check("ann", "battery staple")


def test_nobody_is_added_when_the_password_is_too_short(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert refused(capsys, "people", "add", "ann") == "A password has 10 to 1000 characters."
    assert as_json(capsys, "people", "list") == {"people": []}


@pytest.mark.usefixtures("data")
def test_all_are_listed_when_anything_is_kept_of_them(capsys: Output) -> None:
    assert as_json(capsys, "people", "list")["people"] == [
        {"name": "ann", "has_password": True, "has_chats": True},
        {"name": "local", "has_password": False, "has_chats": True},
    ]
    assert main(["people", "list"]) == 0
    assert capsys.readouterr().out == "ann · chats\nlocal · no password · chats\n"


@pytest.mark.usefixtures("data")
def test_all_of_a_person_is_in_the_file_when_it_is_exported(capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "ann.zip"
    assert as_json(capsys, "people", "export", "ann", str(file))["file"] == str(file)
    with zipfile.ZipFile(file) as packed:
        assert packed.namelist() == [
            "chats/0001 How much_.md",
            "chats/0001 How much_.json",
            "documents/00000000 _pump_ 1.txt",
            "ledger.jsonl",
        ]
        said = packed.read("chats/0001 How much_.md").decode()
        whole = json.loads(packed.read("chats/0001 How much_.json"))
        rows = packed.read("ledger.jsonl").decode().splitlines()
        assert packed.read("documents/00000000 _pump_ 1.txt") == b"40 litres"
    assert said == (
        "# How much?\n\n**You** (2026-01-01)\n\nHow much?\n\n"
        "**Answer** (2026-01-03)\n\n40 litres.\n"
    )
    assert [step["output"] for step in whole["steps"]] == ["How much?", "a search", "40 litres."]
    assert whole["feedback"][0]["comment"] == "right"
    assert [json.loads(row)["chat"] for row in rows] == ["c1"]


def test_nothing_of_a_person_is_left_when_they_are_removed(capsys: Output, data: Path) -> None:
    assert "add --yes" in refused(capsys, "people", "remove", "ann")
    assert as_json(capsys, "people", "remove", "ann", "--yes") == {"removed": "ann"}
    assert [one["name"] for one in as_json(capsys, "people", "list")["people"]] == ["local"]
    assert list((data / FOLDER).iterdir()) == []
    assert [(one.owner, one.chat) for one in Ledger(data / LEDGER).entries()] == [
        ("", ""),
        ("bo", "c3"),
    ]
    assert "Nobody is called ann" in refused(capsys, "people", "remove", "ann", "--yes")


@pytest.mark.usefixtures("data")
def test_the_one_person_is_called_local_when_there_is_no_login(
    capsys: Output, tmp_path: Path
) -> None:
    assert main(["people", "export", "local", str(tmp_path / "mine.zip")]) == 0
    assert main(["people", "remove", "local", "--yes"]) == 0
    assert [one["name"] for one in as_json(capsys, "people", "list")["people"]] == ["ann"]


@pytest.mark.usefixtures("data")
def test_it_is_told_when_the_file_cannot_be_written(capsys: Output, tmp_path: Path) -> None:
    file = tmp_path / "no folder" / "ann.zip"
    assert main(["people", "export", "ann", str(file)]) == 1
    assert "cannot be written" in capsys.readouterr().err
