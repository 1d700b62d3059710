"""A model server as other processes see it: a small file that says where it is and who it is.

The file is the only state there is: it survives a reload of the app, and any process may use the
server it names. It holds the key, so only its owner may read it. It knows nothing of models.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

# A process number may be given again. A start time is told apart from another's, even though it
# moves a little when the clock is set.
_SAME_START_S = 2.0


@dataclass(frozen=True, slots=True)
class ProcessId:
    pid: int
    create_time: float  # seconds since the epoch

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.create_time) < _SAME_START_S
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:  # another user's: not the one we mean
            return False


@dataclass(frozen=True, slots=True)
class RunningServer:
    model: str
    port: int
    api_key: str
    process: ProcessId
    parent: ProcessId | None  # it ends with this one; None: it runs alone

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def health(self, timeout_s: float) -> dict[str, Any] | None:
        """The server's page about itself; None when this server does not answer there.

        Between two of its steps only, which on a busy machine may be seconds apart.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(
                "GET", "/health", headers={"Authorization": f"Bearer {self.api_key}"}
            )
            response = connection.getresponse()
            page = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return page if response.status == http.client.OK and isinstance(page, dict) else None


def write(path: Path, server: RunningServer) -> None:
    """Whole or not at all, and readable by its owner only from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL
    with os.fdopen(os.open(unfinished, flags, 0o600), "w") as file:
        json.dump(asdict(server), file)
    unfinished.replace(path)


def read(path: Path) -> RunningServer | None:
    """The server that ``path`` names, alive or not; None when it names none."""
    try:
        told = json.loads(path.read_text())
        parent = told.pop("parent")
        process = ProcessId(**told.pop("process"))
        return RunningServer(
            **told, process=process, parent=ProcessId(**parent) if parent else None
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
