"""Names and passwords of people, in one small file that only its owner may read.

Passwords are kept as scrypt hashes (RFC 7914), each with a salt of its own. A missing file is an
empty one. Several processes may use the file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from rag.errors import NotFound, PeopleError, SettingsError
from rag.people.owners import Owner, checked

PEOPLE = "people.json"  # in the data folder
SHORTEST = 10  # characters of a password
LONGEST = 1_000
_COST, _BLOCK, _LANES = 2**15, 8, 1  # 32 MB and about 0.1 s a guess
_MEMORY_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Account:
    salt: str  # hexadecimal, as is the hash
    hash: str
    cost: int = _COST

    @classmethod
    def of(cls, password: str) -> Account:
        salt = secrets.token_bytes(16)
        return cls(salt.hex(), _hash(password, salt, _COST).hex())

    @property
    def stamp(self) -> str:
        """Another one for another password. Tells nothing of it."""
        return hashlib.sha256(f"stamp {self.hash}".encode()).hexdigest()[:24]

    def fits(self, password: str) -> bool:
        known, salt = bytes.fromhex(self.hash), bytes.fromhex(self.salt)
        return hmac.compare_digest(known, _hash(password, salt, self.cost))


_NOBODY = Account("00" * 16, "00" * 32)


class Accounts:
    """The file at ``path``. Every method raises PeopleError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> tuple[Owner, ...]:
        return tuple(sorted(self._read()))

    def stamp(self, name: Owner) -> str | None:
        """None for a name that is not there."""
        account = self._read().get(name)
        return account.stamp if account else None

    def check(self, name: str, password: str) -> str | None:
        """The account's stamp, or None; a name that is not there takes as long. Blocks."""
        account = self._read().get(name)
        fits = (account or _NOBODY).fits(password[:LONGEST])
        return account.stamp if account and fits else None

    def add(self, name: str, password: str) -> bool:
        """False where only the password is new. Raises SettingsError for either that is no good."""
        checked(name)
        if not SHORTEST <= len(password) <= LONGEST:
            raise SettingsError(f"A password has {SHORTEST} to {LONGEST} characters.")
        account = Account.of(password)
        with self._lock():
            accounts = self._read()
            is_new = name not in accounts
            self._write({**accounts, name: account})
        return is_new

    def remove(self, name: Owner) -> None:
        """Raises NotFound."""
        with self._lock():
            accounts = self._read()
            if accounts.pop(name, None) is None:
                raise NotFound(
                    f"Nobody is called {name}. `python -m rag people list` tells who is."
                )
            self._write(accounts)

    def _read(self) -> dict[Owner, Account]:
        try:
            held = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): Account(**account) for name, account in held.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as exc:
            raise PeopleError(
                f"The file {PEOPLE} in the data folder cannot be read. Mend it, or delete it and "
                "add the people again."
            ) from exc

    def _write(self, accounts: dict[Owner, Account]) -> None:
        text = json.dumps({name: asdict(one) for name, one in accounts.items()}, indent=1)
        write_private(self._path, text)

    def _lock(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._path.with_name(f"{PEOPLE}.lock"))


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for the eyes of its owner only. Raises PeopleError."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as exc:
        raise PeopleError(
            f"The file {path.name} cannot be written: {exc.strerror}. See that the data folder can "
            "be written to."
        ) from exc


def _hash(password: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        password.encode(errors="surrogatepass"),
        salt=salt, n=cost, r=_BLOCK, p=_LANES, maxmem=_MEMORY_BYTES, dklen=32,
    )  # fmt: skip
