"""The process around one model: it listens on this machine, says where, and ends with its parent.

``serve`` is called by the command line; started as a module, with its key on standard input, it is
the child process of home.py.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from rag.errors import ModelUnavailable, RagError
from rag.models.embedded import running
from rag.models.embedded.engine import BatchingEngine, cache_tokens
from rag.models.embedded.generation import Engine
from rag.models.embedded.routes import create_app
from rag.models.embedded.running import ProcessId, RunningServer

if TYPE_CHECKING:
    from rag.models.embedded.runtime import Runtime

_PARENT_POLL_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 5  # for answers that are being written when the server is told to stop

_log = logging.getLogger(__name__)


def serve(
    model: str,
    folder: Path,
    *,
    context_tokens: int,
    port: int = 0,
    api_key: str = "",
    run_file: Path | None = None,
    parent: ProcessId | None = None,
    on_listening: Callable[[RunningServer], None] = lambda server: None,
) -> None:
    """Serve the converted model in ``folder`` as ``serve_engine`` does."""
    serve_engine(
        embedded_engine(model, folder, context_tokens),
        port=port,
        api_key=api_key,
        run_file=run_file,
        parent=parent,
        on_listening=on_listening,
    )


def embedded_engine(model: str, folder: Path, context_tokens: int) -> Engine:
    def load() -> Runtime:
        from rag.models.embedded.runtime import Runtime  # noqa: PLC0415 - loads OpenVINO

        return Runtime(folder, cache_tokens(context_tokens))

    return BatchingEngine(model, context_tokens, load)


def serve_engine(
    engine: Engine,
    *,
    port: int = 0,
    api_key: str = "",
    run_file: Path | None = None,
    parent: ProcessId | None = None,
    on_listening: Callable[[RunningServer], None] = lambda server: None,
) -> None:
    """Answer with ``engine`` until stopped, or until ``parent`` is gone.

    It listens, and says so, before the model is loaded. ``port`` 0: any; ``api_key`` "": none.
    Raises ModelUnavailable when the port is taken or the model fails.
    """
    listener = _listener(port)
    server = RunningServer(
        model=engine.name,
        port=listener.getsockname()[1],
        api_key=api_key,
        process=ProcessId.of(os.getpid()),
        parent=parent,
    )
    if run_file is not None:
        running.write(run_file, server)
    on_listening(server)
    try:
        asyncio.run(_serve(engine, server, listener))
    finally:
        if run_file is not None and running.read(run_file) == server:
            run_file.unlink(missing_ok=True)


async def _serve(engine: Engine, server: RunningServer, listener: socket.socket) -> None:
    http = _Server(
        uvicorn.Config(
            create_app(engine, server.api_key),
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    answering = asyncio.create_task(engine.run())
    watching = asyncio.create_task(_gone(server.parent))
    for task in (answering, watching):
        task.add_done_callback(lambda _: setattr(http, "should_exit", True))
    await http.serve([listener])
    watching.cancel()
    if answering.done():
        answering.result()
    answering.cancel()


class _Server(uvicorn.Server):
    """Ends quietly when told to: uvicorn would raise the signal once more, before all is tidy."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _gone(parent: ProcessId | None) -> None:
    """Return when ``parent`` has ended, however that happened."""
    while parent is None or parent.is_alive():  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(_PARENT_POLL_S)


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as exc:
        raise ModelUnavailable(
            f"Port {port} of this machine cannot be listened on: choose another."
        ) from exc


def serve_as_child(
    parser: argparse.ArgumentParser, engine_of: Callable[[argparse.Namespace], Engine]
) -> int:
    """Serve as a child of home.py: its arguments beside those of ``parser``, the key on stdin."""
    parser.add_argument("--run-file", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve_engine(
            engine_of(asked),
            api_key=sys.stdin.readline().strip(),
            run_file=asked.run_file,
            parent=ProcessId.of(asked.parent),
        )
    except RagError as exc:
        _log.exception("The server stops")
        # The last line of the log is what the person is told.
        print(exc, file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rag.models.embedded.server")
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--context-tokens", type=int, required=True)
    return serve_as_child(
        parser, lambda asked: embedded_engine(asked.model, asked.folder, asked.context_tokens)
    )


if __name__ == "__main__":
    sys.exit(main())
