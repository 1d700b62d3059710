"""The secret that signs login cookies: made once, kept in the data folder, its owner's alone."""

from __future__ import annotations

import secrets
from pathlib import Path

from filelock import FileLock

from rag.errors import PeopleError
from rag.people.accounts import write_private

SECRET = "login-secret"  # noqa: S105 (a file's name, in the data folder)
_SHORTEST = 32  # characters


def kept_secret(data_dir: Path) -> str:
    """The one in the data folder; every process that uses the folder has the same.

    Raises PeopleError.
    """
    path = data_dir / SECRET
    data_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(data_dir / f"{SECRET}.lock"):
        found = _read(path)
        if len(found) < _SHORTEST:  # none yet, or cut short by a full disk
            found = secrets.token_urlsafe(48)
            write_private(path, found)
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as exc:
        raise PeopleError(
            f"The file {SECRET} in the data folder cannot be read. See to its permissions, or "
            "delete it: all people then have to log in again."
        ) from exc
