"""``people``: who may log in; and what is kept of a person, taken along or deleted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from rag import belongings
from rag.commands.terminal import example, json_option, print_json
from rag.errors import NotFound
from rag.measuring.ledger import LEDGER, Ledger
from rag.people.accounts import PEOPLE, Accounts
from rag.people.archive import Archive
from rag.people.database import database_of
from rag.people.owners import name_of, owner_of
from rag.people.shelf import FOLDER, Shelf
from rag.settings import load


@dataclass(frozen=True, slots=True)
class Kept:
    """Where things of people are."""

    accounts: Accounts
    archive: Archive
    shelf: Shelf
    ledger: Ledger


@contextmanager
def opened() -> Iterator[Kept]:
    settings = load()
    database = database_of(settings.database_url.get_secret_value(), settings.data_dir)
    with closing(database):
        yield Kept(
            Accounts(settings.data_dir / PEOPLE),
            Archive(database),
            Shelf(database, settings.data_dir / FOLDER),
            Ledger(settings.data_dir / LEDGER),
        )


@click.group(epilog=example("people add ann", "people export ann ann.zip"))
def people() -> None:
    """Say who may log in, and what is kept of a person.

    Passwords count with RAG_LOGIN=password. `local` is the one person of a chat without login.
    """


@people.command(epilog=example("people add ann"))
@click.argument("name")
@json_option
def add(name: str, as_json: bool) -> None:
    """Let somebody log in, or give them another password.

    The password is asked for, and not shown. Where nobody can be asked, it is a line on stdin.
    """
    with opened() as kept:
        is_new = kept.accounts.add(name, _password(name))
    said = f"{name} can log in." if is_new else f"{name} has another password."
    print_json({"name": name, "is_new": is_new}) if as_json else click.echo(said)


@people.command("list", epilog=example("people list"))
@json_option
def list_people(as_json: bool) -> None:
    """List who may log in, and of whom anything is kept."""
    with opened() as kept:
        accounts, owners = kept.accounts.names(), kept.archive.owners()
    names = sorted({*accounts, *map(name_of, owners)})
    rows = [
        {"name": name, "has_password": name in accounts, "has_chats": owner_of(name) in owners}
        for name in names
    ]
    if as_json:
        print_json({"people": rows})
        return
    for row in rows:
        notes = ["" if row["has_password"] else "no password", "chats" if row["has_chats"] else ""]
        click.echo(" · ".join([str(row["name"]), *filter(None, notes)]))
    if not rows:
        click.echo("Nobody yet.")


@people.command(epilog=example("people remove ann"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Delete a person with all chats and documents of theirs, and end their logins."""
    with opened() as kept:
        _known(kept, name)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError("Nobody can be asked here: add --yes.")
            click.confirm(f"Delete {name} with all chats and documents?", abort=True, err=True)
        if name in kept.accounts.names():
            kept.accounts.remove(name)
        belongings.remove(owner_of(name), kept.archive, kept.shelf, kept.ledger)
    print_json({"removed": name}) if as_json else click.echo(f"{name} and all of theirs is gone.")


@people.command(epilog=example("people export ann ann.zip"))
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def export(name: str, file: Path, as_json: bool) -> None:
    """Write all that is kept of a person into a zip file: chats, documents and figures."""
    with opened() as kept:
        _known(kept, name)
        belongings.pack(owner_of(name), kept.archive, kept.shelf, kept.ledger, file)
    print_json({"name": name, "file": str(file)}) if as_json else click.echo(f"Written to {file}.")


def _known(kept: Kept, name: str) -> None:
    if name not in kept.accounts.names() and owner_of(name) not in kept.archive.owners():
        raise NotFound(f"Nobody is called {name}: see `python -m rag people list`.")


def _password(name: str) -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt(
            f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True
        )
        return asked
    return sys.stdin.readline().rstrip("\r\n")
