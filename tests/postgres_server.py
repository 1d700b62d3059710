"""A PostgreSQL server of Debian's for the time of some tests: its own folder, port and user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_S = 60


def binaries() -> Path | None:
    """The folder of the newest server."""
    found = [one.parent for one in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).parent]
    return max(found, key=lambda one: [int(part) for part in one.parts if part.isdigit()] or [0],
               default=None)  # fmt: skip


class Server:
    """Its ``url``, and a way to take it away and bring it back."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.url = f"postgresql://tests@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        run = [str(self.programs / "initdb"), "-A", "trust", "-U", "tests", "-E", "UTF8", "-N"]
        subprocess.run(
            [*run, "--locale=C", "-D", str(self.folder / "data")],
            **unprivileged(self.folder), check=True, capture_output=True,
        )  # fmt: skip

    def start(self) -> None:
        settings = (
            *("-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1"),
            *("-k", str(self.folder), "-c", "fsync=off"),
        )
        self._process = subprocess.Popen(
            [str(self.programs / "postgres"), *settings], **unprivileged(self.folder),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, "PostgreSQL did not start"
                assert time.monotonic() < deadline, "PostgreSQL does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        """At once: connections break."""
        if self._process:
            self._process.send_signal(3)
            self._process.wait(START_S)
        self._process = None

    def fresh(self) -> str:
        """The address of a new database."""
        name = f"d{time.monotonic_ns()}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url.replace("/postgres", f"/{name}")


def unprivileged(folder: Path) -> dict[str, Any]:
    """It refuses to run as root."""
    return {"cwd": folder, "user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Skips where there is none, but not in CI."""
    programs = binaries() if os.name == "posix" else None
    if programs is None:
        if "CI" in os.environ:
            pytest.fail("no PostgreSQL: apt-get install postgresql")
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
    server = Server(programs, folder)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
