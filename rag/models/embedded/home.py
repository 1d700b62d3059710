"""A home for models in processes of our own: a name and what to run in, a running server out.

It uses the server that already runs, whoever started it, or starts one that ends with this process.
Nothing is remembered here that matters: what runs is told by the files in ``data_dir/run``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

import rag
from rag.errors import ModelUnavailable
from rag.models.embedded import running
from rag.models.embedded.running import RunningServer
from rag.models.weights import Progress

OnProgress = Callable[[Progress], None]

_ROOT = Path(rag.__file__).parent.parent
_START_S = 300.0  # for a large model on a slow disk
_POLL_S = 0.05
_HEALTH_S = 30.0  # a busy server answers only between two steps of its model
_STOP_S = 10.0
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows only


class ServerHome:
    """``kind`` is what a person is told of: "embedded model"."""

    kind = "model"

    def __init__(self, data_dir: Path) -> None:
        self._run_dir = data_dir / "run"
        self._log_dir = data_dir / "logs"

    async def launched(
        self,
        model: str,
        command: Sequence[str],
        on_progress: OnProgress = lambda progress: None,
    ) -> RunningServer:
        """A server that is ready to answer. Raises ModelUnavailable.

        ``command`` is a module of ours that serves as a child (server.py), and its arguments.
        """
        on_progress(Progress("load", 0, 1, "steps"))
        server = await asyncio.to_thread(self._start, model, command)
        on_progress(Progress("load", 1, 1, "steps"))
        return server

    def running(self, model: str) -> RunningServer | None:
        """The server that runs ``model`` now, perhaps still loading it."""
        server = running.read(self._run_dir / f"{model}.json")
        return server if server is not None and server.process.is_alive() else None

    def close(self, model: str = "*") -> None:
        """Stop the server of ``model`` if this process has started it; all of them unless told
        which. Blocks for a moment."""
        for run_file in self._run_dir.glob(f"{model}.json"):
            server = running.read(run_file)
            if server is not None and server.parent and server.parent.pid == os.getpid():
                _stop(server)
                run_file.unlink(missing_ok=True)

    def unload(self, model: str) -> bool:
        """Stop the server of ``model``, whoever started it; whether one ran. Blocks for a moment.

        A chat that wants it later starts it again.
        """
        server = self.running(model)
        if server is None:
            return False
        _stop(server)
        (self._run_dir / f"{model}.json").unlink(missing_ok=True)
        return True

    def _start(self, model: str, command: Sequence[str]) -> RunningServer:
        run_file = self._run_dir / f"{model}.json"
        self._run_dir.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._run_dir / f"{model}.lock", timeout=_START_S):
                return _found(run_file) or self._launched(model, command, run_file)
        except Timeout as exc:
            raise ModelUnavailable(
                f"Another program has been starting {model} for too long. Close it and ask again."
            ) from exc

    def _launched(self, model: str, command: Sequence[str], run_file: Path) -> RunningServer:
        run_file.unlink(missing_ok=True)
        self._log_dir.mkdir(parents=True, exist_ok=True)
        log = self._log_dir / f"{model}.log"
        child = _spawned(command, run_file.resolve(), log)
        server = _when_ready(run_file, lambda: child.poll() is None)
        if server is None:
            raise ModelUnavailable(f"The {self.kind} {model} did not start: {_why_not(child, log)}")
        return server


class EmbeddedHome(ServerHome):
    kind = "embedded model"

    async def start(
        self,
        model: str,
        folder: Path,
        context_tokens: int,
        on_progress: OnProgress = lambda progress: None,
    ) -> RunningServer:
        """A server that is ready to answer. Raises ModelUnavailable."""
        return await self.launched(model, _command(model, folder, context_tokens), on_progress)


def _command(model: str, folder: Path, context_tokens: int) -> list[str]:
    options = ["--context-tokens", str(context_tokens)]
    return ["rag.models.embedded.server", model, str(folder.resolve()), *options]


def _found(run_file: Path) -> RunningServer | None:
    """The server that ``run_file`` tells of, once it is ready; one that hangs is ended."""
    told = running.read(run_file)
    if told is None or not told.process.is_alive():
        return None
    server = _when_ready(run_file, told.process.is_alive)
    if server is None:
        _stop(told)
    return server


def _when_ready(run_file: Path, is_alive: Callable[[], bool]) -> RunningServer | None:
    """The server of ``run_file`` when it has loaded its model; None when it will not."""
    deadline = time.monotonic() + _START_S
    while is_alive() and time.monotonic() < deadline:
        server = running.read(run_file)
        if server is not None:
            page = server.health(_HEALTH_S)
            if page is None:
                return None
            if page.get("state") == "ready":
                return server
        time.sleep(_POLL_S)
    return None


def _spawned(command: Sequence[str], run_file: Path, log: Path) -> subprocess.Popen[str]:
    ours = ["--run-file", str(run_file), "--parent", str(os.getpid())]
    with log.open("w") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", *command, *ours],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the model
            creationflags=_NO_WINDOW,
        )
    # Not over the command line or the environment, which other users and logs may see.
    # A child that ended already is noticed by whoever waits for it. Someone must, so that nothing
    # of it is left in the table of processes.
    threading.Thread(target=child.wait, daemon=True).start()
    if child.stdin is not None:
        with suppress(OSError), child.stdin as key:
            key.write(f"{secrets.token_urlsafe(32)}\n")
    return child


def _stop(server: RunningServer) -> None:
    if not server.process.is_alive():
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(server.process.pid)
        process.terminate()
        try:
            process.wait(_STOP_S)
        except psutil.TimeoutExpired:
            process.kill()


def _why_not(child: subprocess.Popen[str], log: Path) -> str:
    """What a child said last that is ending or does not answer; afterwards it is gone."""
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return "it does not answer."
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")
