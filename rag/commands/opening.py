"""A workspace for the time of one command, with progress on stderr while files are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import click
from tqdm import tqdm

from rag.commands.terminal import progress_bar
from rag.documents.ingest import FileFailed, PageRead
from rag.settings import load
from rag.workspace import IngestEvent, Workspace


@asynccontextmanager
async def opened(
    docs: Path | None = None, *, follow: bool = True, warm: bool = False, **given: str | None
) -> AsyncIterator[Workspace]:
    """The library's workspace, or one for the folder ``docs`` alone; ``given`` settings win."""
    settings = load(**{name: value for name, value in given.items() if value is not None})
    workspace = Workspace(settings) if docs is None else Workspace.temporary(settings, docs)
    with progress_bar("Reading documents", None, "file") as bar:
        await workspace.open(shown_on(bar), follow=follow, warm=warm)
    try:
        yield workspace
    finally:
        await workspace.close()


def shown_on(bar: tqdm[None]) -> Callable[[IngestEvent], None]:
    """Moves ``bar`` by files, names the page, and tells of files that cannot be read."""

    def show(event: IngestEvent) -> None:
        if isinstance(event, PageRead):
            bar.set_postfix_str(f"{event.name}, page {event.page} of {event.pages}")
            return
        bar.update()
        if isinstance(event, FileFailed):
            click.echo(f"{event.source}: {event.reason}", err=True)

    return show
