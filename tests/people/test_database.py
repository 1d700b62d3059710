from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from postgres_server import Server

from rag.errors import PeopleError
from rag.people.archive import Archive
from rag.people.database import Database, Postgres, Sqlite, database_of


def test_nothing_stays_when_a_transaction_fails(database: Database) -> None:
    def half() -> None:
        with database.transaction() as run:
            run("INSERT INTO documents VALUES ('ann', 'd1', '{}', '[]')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with database.transaction() as run:
        assert run("SELECT count(*) FROM documents") == [(0,)]


def test_what_was_stored_is_there_when_it_is_opened_again(database: Database) -> None:
    Archive(database).begin("ann", "c1", "")
    Archive(database).rename("ann", "c1", "50% of “it”?")
    database.close()
    assert Archive(database).list("ann", 1)[0][0].name == "50% of “it”?"


def test_the_file_is_its_owners_alone_when_it_is_made(tmp_path: Path) -> None:
    Archive(Sqlite(tmp_path / "new" / "people.sqlite")).owners()
    if os.name == "posix":
        mode = (tmp_path / "new" / "people.sqlite").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_text_is_overwritten_when_it_is_deleted(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "people.sqlite")
    archive = Archive(database)
    archive.put_step("", "c1", {"id": "s1", "output": "a word nobody else writes"})
    archive.delete("", "c1")
    database.close()
    assert b"nobody else writes" not in (tmp_path / "people.sqlite").read_bytes()
    assert not (tmp_path / "people.sqlite-wal").exists()


def test_it_is_told_when_the_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "people.sqlite").write_text("no database at all, and long enough to be seen" * 9)
    with pytest.raises(PeopleError, match="cannot be stored or read"):
        Archive(database_of("", tmp_path)).owners()


def test_it_is_told_when_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(PeopleError, match="cannot be stored or read"):
        Archive(database_of("", tmp_path / "data")).owners()


def test_it_is_told_when_a_newer_version_stored_it(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "people.sqlite")
    with database.transaction() as run:
        run("INSERT INTO documents VALUES ('ann', 'd1', '{}', '[]')")
    assert database._connection is not None
    database._connection.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(PeopleError, match="newer version"):
        Archive(database).owners()


def test_what_was_stored_stays_when_the_process_is_killed(tmp_path: Path) -> None:
    script = """
        import os, sys
        from pathlib import Path
        from rag.people.archive import Archive
        from rag.people.database import Sqlite
        database = Sqlite(Path(sys.argv[1]))
        Archive(database).begin("ann", "c1", "")
        Archive(database).rename("ann", "c1", "kept")
        with database.transaction() as run:
            run("INSERT INTO documents VALUES ('ann', 'd1', '{}', '[]')")
            os.kill(os.getpid(), 9)
    """
    path = tmp_path / "people.sqlite"
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=False)
    database = Sqlite(path)
    with database.transaction() as run:
        assert run("SELECT name FROM chats") == [("kept",)]
        assert run("SELECT count(*) FROM documents") == [(0,)]
    database.close()


def test_two_processes_write_when_they_share_a_file(tmp_path: Path) -> None:
    one, other = Sqlite(tmp_path / "people.sqlite"), Sqlite(tmp_path / "people.sqlite")
    for number in range(20):
        Archive(one).begin("ann", f"a{number}", "")
        Archive(other).begin("bo", f"b{number}", "")
    assert len(Archive(other).list("ann", 99)[0]) == 20
    one.close()
    other.close()


def test_a_lost_connection_is_made_anew_when_the_server_comes_back(postgres: Server) -> None:
    database = Postgres(postgres.fresh())
    archive = Archive(database)
    archive.begin("ann", "c1", "")
    archive.rename("ann", "c1", "kept")
    postgres.stop()
    try:
        with pytest.raises(PeopleError, match="does not answer") as told:
            archive.begin("ann", "c2", "")
        assert "127.0.0.1" not in str(told.value)
    finally:
        postgres.start()
    assert archive.list("ann", 9)[0][0].name == "kept"
    database.close()


def test_the_tables_are_made_once_when_two_processes_begin(postgres: Server) -> None:
    url = postgres.fresh()
    databases = [Postgres(url), Postgres(url)]
    for database in databases:
        assert Archive(database).owners() == ()
        database.close()


def test_it_is_told_without_the_password_when_the_address_is_wrong() -> None:
    database = database_of("postgresql://u:sesame@127.0.0.1:9/x", Path())
    with pytest.raises(PeopleError) as told:
        Archive(database).owners()
    assert "sesame" not in str(told.value)
