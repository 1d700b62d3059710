"""``index``, ``documents`` and ``forget``: paths and ids in, what became of them out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from rag import folder
from rag.commands.opening import opened, shown_on
from rag.commands.terminal import example, json_option, print_json, progress_bar, run
from rag.documents.ingest import FileFailed, FileRead, PageRead, SourceFile
from rag.documents.kinds import EXTENSIONS
from rag.documents.library import LibraryEntry
from rag.encoding import Json
from rag.errors import NotFound
from rag.workspace import FileKept, IngestEvent


@dataclass
class Tally:
    """What ``index`` reports, counted from events as they come."""

    added: int = 0
    unchanged: int = 0
    failed: list[Json] = field(default_factory=list)
    chunks: int = 0
    pages: int = 0

    def note(self, event: IngestEvent) -> None:
        match event:
            case FileRead(document=document, chunks=chunks):
                self.added += 1
                self.chunks += len(chunks)
                self.pages += len(document.pages)
            case FileKept():
                self.unchanged += 1
            case FileFailed(source=source, reason=reason):
                self.failed.append({"path": str(source), "reason": reason})
            case PageRead():
                pass

    @property
    def is_failure(self) -> bool:
        """Some files may fail; that all did is worth an exit code."""
        return bool(self.failed) and not self.added and not self.unchanged


@click.command(epilog=example("index ~/Documents/manuals report.pdf"))
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@json_option
@run
async def index(paths: Sequence[Path], as_json: bool) -> int:
    """Add files, or all documents in folders, to the library.

    A file that is there already is left as it is; one that changed replaces its former version.
    """
    started = time.monotonic()
    tally = Tally()
    async with opened(follow=False) as workspace:
        files = found(paths)
        with progress_bar("Reading", len(files), "file") as bar:
            show = shown_on(bar)
            async with aclosing(workspace.ingest(files)) as events:
                async for event in events:
                    tally.note(event)
                    show(event)
    seconds = time.monotonic() - started
    if as_json:
        print_json(tally_json(tally, seconds))
    else:
        click.echo(
            f"{tally.added} added ({tally.pages} pages, {tally.chunks} passages), "
            f"{tally.unchanged} unchanged, {len(tally.failed)} failed, in {seconds:.1f} s."
        )
    return 1 if tally.is_failure else 0


@click.command(epilog=example("documents"))
@json_option
@run
async def documents(as_json: bool) -> None:
    """List the documents in the library."""
    async with opened() as workspace:
        entries = workspace.library.documents()
    if as_json:
        print_json([entry_json(entry) for entry in entries])
        return
    for entry in entries:
        click.echo(f"{entry.id[:12]}  {entry.page_count:>5} p.  {entry.name}")
        if entry.note:
            click.echo(f"{'':24}{entry.note}")
    if not entries:
        click.echo("The library is empty. Add documents with: python -m rag index PATH", err=True)


@click.command(epilog=example("forget 3f2a9c41d07b"))
@click.argument("document", metavar="ID")
@json_option
@run
async def forget(document: str, as_json: bool) -> None:
    """Remove a document and everything derived from it.

    ID is what `documents` shows, or its beginning. Where the file is in the documents folder, it
    stays there and is not read again until you `index` it or change it.
    """
    async with opened() as workspace:
        entry = the_one(workspace.library.documents(), document)
        await workspace.forget(entry.id)
    if as_json:
        print_json({"forgotten": {"id": entry.id, "name": entry.name}})
    else:
        click.echo(f"Forgotten: {entry.name}")


def found(paths: Sequence[Path]) -> list[SourceFile]:
    """Files as given, whatever they are; of folders, the documents in them."""
    each = (folder.files(path, EXTENSIONS) if path.is_dir() else [path] for path in paths)
    unique = dict.fromkeys(path.absolute() for some in each for path in some)
    return [SourceFile(path, path.name) for path in unique]


def the_one(entries: Sequence[LibraryEntry], wanted: str) -> LibraryEntry:
    """The document whose id begins with ``wanted``. Raises NotFound."""
    matching = [entry for entry in entries if wanted and entry.id.startswith(wanted.lower())]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise NotFound(
            f"{len(matching)} documents have an id that begins with {wanted}: write more of it."
        )
    raise NotFound(f"No document has the id {wanted}: `python -m rag documents` lists them.")


def tally_json(tally: Tally, seconds: float) -> Json:
    return {
        "added": tally.added,
        "unchanged": tally.unchanged,
        "failed": tally.failed,
        "chunks": tally.chunks,
        "pages": tally.pages,
        "seconds": seconds,
    }


def entry_json(entry: LibraryEntry) -> Json:
    return {
        "id": entry.id,
        "name": entry.name,
        "media_type": entry.media_type,
        "pages": entry.page_count,
        "chunks": entry.chunk_count,
        "language": entry.language,
        "note": entry.note,
        "source": None if entry.source is None else str(entry.source),
        "added_at": datetime.fromtimestamp(entry.added_at, UTC).isoformat(timespec="seconds"),
    }
