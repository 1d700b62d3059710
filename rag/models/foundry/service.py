"""Where a running Foundry Local service answers: nothing in, its address out.

Its port changes at each start, so three who may know it are asked at the same time: the port of
its documentation, its own command line, and the list of processes. What they say is checked by
asking the service for its status. It knows neither models nor settings.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import httpx
import psutil

DEFAULT_PORT = 5273

_COMMAND = "foundry"
_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)")
_PROCESSES = ("foundry", "inference.service.agent")  # how the names of its processes begin
_STATUS_PAGES = ("/openai/status", "/status")  # of its service up to 1, and from 2 on
_ASKING_S = 0.9  # for the command and the processes, at the same time
_ANSWER_S = 0.4


async def service_address() -> str:
    """``http://127.0.0.1:PORT`` of the service, "" when none runs; known within 1.5 seconds."""
    told = await asyncio.gather(_by_command(), _by_processes())
    ports = dict.fromkeys([*told[0], *told[1], DEFAULT_PORT])
    async with await asyncio.to_thread(_client) as client:
        found = await asyncio.gather(*(_is_foundry(client, port) for port in ports))
    return next(
        (f"http://127.0.0.1:{port}" for port, yes in zip(ports, found, strict=True) if yes), ""
    )


def _client() -> httpx.AsyncClient:
    """For a thread: the certificates that every client loads take a moment."""
    return httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False)


async def _by_command() -> Sequence[int]:
    """Ports named by ``foundry service status``."""
    command = shutil.which(_COMMAND)
    if command is None:
        return ()
    child = None
    try:
        async with asyncio.timeout(_ASKING_S):
            child = await subprocess.create_subprocess_exec(
                *(command, "service", "status"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            told, _ = await child.communicate()
    except (OSError, TimeoutError):
        return ()
    finally:
        if child is not None and child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    return [int(port) for port in _ADDRESS.findall(told.decode(errors="replace"))]


async def _by_processes() -> Sequence[int]:
    with suppress(TimeoutError):  # the thread reads on, and is not waited for
        async with asyncio.timeout(_ASKING_S):
            return await asyncio.to_thread(_listening)
    return ()


def _listening() -> list[int]:
    """Ports on which processes with one of its names listen."""
    ports: list[int] = []
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").lower().startswith(_PROCESSES):
            with suppress(psutil.Error):
                ports += [
                    connection.laddr.port
                    for connection in process.net_connections("tcp")
                    if connection.status == psutil.CONN_LISTEN
                ]
    return ports


async def _is_foundry(client: httpx.AsyncClient, port: int) -> bool:
    async for page in _pages(client, port):
        if isinstance(page, dict) and "endpoints" in page:
            return True
    return False


async def _pages(client: httpx.AsyncClient, port: int) -> AsyncIterator[object]:
    """What the status pages at ``port`` say, as far as there are any."""
    for path in _STATUS_PAGES:
        try:
            response = await client.get(f"http://127.0.0.1:{port}{path}")
            yield response.json() if response.is_success else None
        except httpx.TransportError:
            return  # nothing there, or nothing that answers in time
        except ValueError:
            yield None
