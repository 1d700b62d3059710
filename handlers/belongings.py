"""Files of people, and all that is theirs: addresses, and what stands behind them.

Who asks is known from the request under way (handlers/people.py).
"""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import chainlit as cl

from handlers import people
from handlers.history import History, history, upload_url, whose
from handlers.session import home
from rag import belongings, folder
from rag.errors import NotFound
from rag.measuring.ledger import LEDGER, Ledger
from rag.page.routes import Source
from rag.people.owners import Owner


async def address_of(file: cl.Element) -> str:
    """Where the browser finds a dropped file: as long as it is kept, if it is, else for as long as
    the chat is open."""
    if history() and whose()[0] is not None:
        return upload_url(await asyncio.to_thread(folder.digest, Path(str(file.path))))
    return f"/project/file/{file.id}?session_id={cl.context.session.id}"


async def source(document_id: str) -> Source:
    """A library document's file. Raises NotFound, also for somebody who is not logged in."""
    if not people.may_ask():
        raise NotFound("Log in to open documents.")
    return await home().source(document_id)


async def own(document_id: str) -> Source:
    """The file of a document that whoever asks has dropped. Raises NotFound."""
    store, owner = history(), people.asking.get()
    if store is None or owner is None:
        raise NotFound("There is no such document among yours.")
    document = await store.run(store.shelf.document, owner, document_id)
    return Source(store.shelf.file(owner, document_id), document.media_type, document.name)


async def packed() -> Path | None:
    """All that is kept of whoever asks, as a zip file of its own; None for nobody."""
    store, owner = history(), people.asking.get()
    if store is None or owner is None:
        return None
    ledger = Ledger(home().settings.data_dir / LEDGER)
    return await store.run(_pack, owner, store, ledger)


def _pack(owner: Owner, store: History, ledger: Ledger) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".zip", delete=False) as file:
        path = Path(file.name)
    try:
        belongings.pack(owner, store.archive, store.shelf, ledger, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
