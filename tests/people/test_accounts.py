from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from rag.errors import NotFound, PeopleError, SettingsError
from rag.people.accounts import PEOPLE, Account, Accounts
from rag.people.owners import checked
from rag.people.secret import SECRET, kept_secret


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "data" / PEOPLE)


def test_nobody_gets_in_when_nobody_was_added(accounts: Accounts) -> None:
    assert accounts.names() == ()
    assert accounts.check("admin", "admin") is None
    assert accounts.check("", "") is None


def test_only_the_right_password_fits_when_somebody_was_added(accounts: Accounts) -> None:
    assert accounts.add("ann", "correct horse")
    assert accounts.check("ann", "correct horse") == accounts.stamp("ann") != None  # noqa: E711
    assert accounts.check("ann", "correct horse ") is None
    assert accounts.check("Ann", "correct horse") is None


def test_a_stamp_changes_when_the_password_does(accounts: Accounts) -> None:
    accounts.add("ann", "correct horse")
    before = accounts.stamp("ann")
    assert not accounts.add("ann", "battery staple")
    assert accounts.stamp("ann") != before
    assert accounts.check("ann", "correct horse") is None


def test_nobody_is_left_when_the_only_one_is_removed(accounts: Accounts) -> None:
    accounts.add("ann", "correct horse")
    accounts.remove("ann")
    assert accounts.stamp("ann") is None
    with pytest.raises(NotFound, match="Nobody is called ann"):
        accounts.remove("ann")


def test_the_file_holds_no_password_when_somebody_was_added(
    accounts: Accounts, tmp_path: Path
) -> None:
    accounts.add("ann", "correct horse")
    accounts.add("bo", "correct horse")
    path = tmp_path / "data" / PEOPLE
    held = json.loads(path.read_text())
    assert "correct" not in path.read_text()
    assert held["ann"]["hash"] != held["bo"]["hash"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in path.parent.iterdir()) == [PEOPLE, f"{PEOPLE}.lock"]


@pytest.mark.parametrize("text", ["no json", "[]", '{"ann": {}}', '{"ann": 1}', "null"])
def test_it_is_told_when_the_file_makes_no_sense(
    accounts: Accounts, tmp_path: Path, text: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / PEOPLE).write_text(text)
    with pytest.raises(PeopleError, match="cannot be read"):
        accounts.check("ann", "correct horse")


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a/b", "a\\b", "a\nb", "Local", "x" * 101])
def test_a_name_is_refused_when_it_is_no_good(accounts: Accounts, name: str) -> None:
    with pytest.raises(SettingsError, match="A name has"):
        accounts.add(name, "correct horse")


@pytest.mark.parametrize("name", ["a", "Ștefan cel Mare", "ann@example.org", "x" * 100])
def test_a_name_is_taken_when_it_is_a_name(name: str) -> None:
    assert checked(name) == name


@pytest.mark.parametrize("password", ["", "123456789", "x" * 1001])
def test_a_password_is_refused_when_its_length_is_no_good(
    accounts: Accounts, password: str
) -> None:
    with pytest.raises(SettingsError, match="A password has 10 to 1000 characters"):
        accounts.add("ann", password)


def test_a_hash_is_that_of_the_standard_when_it_is_made() -> None:
    # RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first half
    known = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    account = Account(b"SodiumChloride".hex(), known, cost=16384)
    assert account.fits("pleaseletmein")
    assert not account.fits("pleaseletmeout")


def test_the_secret_stays_when_it_is_asked_for_again(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "data")
    assert len(first) == 64
    assert kept_secret(tmp_path / "data") == first
    assert kept_secret(tmp_path / "other") != first
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "data" / SECRET).stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "short"])
def test_a_secret_is_made_anew_when_the_file_was_cut_short(tmp_path: Path, left: str) -> None:
    (tmp_path / SECRET).write_text(left)
    assert len(kept_secret(tmp_path)) == 64


def test_it_is_told_when_the_secret_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / SECRET).mkdir()
    with pytest.raises(PeopleError, match="cannot be read"):
        kept_secret(tmp_path)
