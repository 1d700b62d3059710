"""``search`` and ``ask``: a question in, passages or a cited answer out."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import click

from rag.commands.expecting import Sought
from rag.commands.opening import opened
from rag.commands.phases import phase_line
from rag.commands.tables import table
from rag.commands.terminal import example, json_option, print_json, progress_shown, run
from rag.commands.transcript import Transcript
from rag.documents.library import LibraryEntry
from rag.encoding import answer_json, search_json
from rag.errors import NotFound, RagError
from rag.models.chat import ChatModel
from rag.models.reach import PLACES
from rag.retrieval import explaining
from rag.retrieval.index import Index, Scoped
from rag.retrieval.words import WORD
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Chunk,
    Escalated,
    Expected,
    Explanation,
    Failed,
    Hit,
    Mode,
    Query,
    Retrieved,
    Tier,
    Working,
)
from rag.workspace import Workspace

ROUNDED = 0.01  # by which shares may miss a score as it is printed
STILL_COUNTED = "The index on disk still counts passages that were removed, so the sum differs."
FRAME_S = 0.2  # between two looks at a model that is being made ready

docs_option = click.option(
    "--docs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Answer from this folder alone; the library is not touched.",
)
document_option = click.option(
    "--document",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this document, by its name or id; may be given again.",
)


@click.command(epilog=example('search "how often is the oil changed" -k 5'))
@click.argument("query")
@click.option("-k", type=click.IntRange(min=1), default=10, help="How many passages.")
@docs_option
@document_option
@click.option("--explain", is_flag=True, help="Say what each word did for a passage's score.")
@click.option(
    "--expected",
    metavar="TEXT",
    help="Say why a passage with these words, or one of DOCUMENT:PAGE, is not among them.",
)
@json_option
@run
async def search(
    *,
    query: str,
    k: int,
    docs: Path | None,
    names: Sequence[str],
    explain: bool,
    expected: str | None,
    as_json: bool,
) -> None:
    """Find the passages that match QUERY best, without a model."""
    _not_empty(query, "QUERY")
    if expected is not None and not WORD.search(expected):
        raise click.UsageError("--expected holds no word: write some of the passage.")
    async with opened(docs) as workspace:
        index = scoped(workspace, names)
        started = time.perf_counter()
        hits = await asyncio.to_thread(index.search, Query(query), k)
        latency_ms = (time.perf_counter() - started) * 1000
        explanations = explaining.all_explained(index, Query(query), hits) if explain else {}
        sought = expected and Sought(workspace, index, Query(query), k, expected)
        told = await asyncio.to_thread(sought.told) if sought else None
    if as_json:
        print_json(search_json(query, hits, latency_ms, explanations, told))
        return
    for hit in hits:
        print_hit(hit, explanations.get(hit.chunk.id))
    if not hits:
        click.echo("No passage shares a word with the query.", err=True)
    if told:
        print_expected(told)


@click.command(epilog=example('ask "How often is the oil changed?" --docs manuals'))
@click.argument("question")
@docs_option
@document_option
@click.option(
    "--mode",
    type=click.Choice(["auto", "slm", "llm", "refine"]),
    help="Which model answers; as RAG_MODE says when left out.",
)
@json_option
@run
async def ask(
    question: str, docs: Path | None, names: Sequence[str], mode: Mode | None, as_json: bool
) -> None:
    """Answer QUESTION from the documents, with the passages that say so."""
    _not_empty(question, "QUESTION")
    async with opened(docs, warm=True, mode=mode) as workspace:
        pipeline = await workspace.pipeline(consent=consent)
        index, mode = scoped(workspace, names), workspace.settings.mode
        ends: list[Answer | Failed] = []  # the first counts
        events = pipeline.answer(question, index=index, mode=mode, on_stop=ends.append)
        transcript = Transcript(is_local=pipeline.slm.reach == "machine")
        show = print_end if as_json else transcript.print
        first: Tier = "llm" if mode == "llm" else "slm"
        try:
            async with aclosing(watched(events, workspace, first)) as shown:
                async for event in shown:
                    if isinstance(event, Answered | Failed):
                        ends.append(event.answer if isinstance(event, Answered) else event)
                    show(event)
        finally:
            await workspace.record(ends[0] if ends else Failed(""), mode)


def print_end(event: AnswerEvent) -> None:
    """The one JSON document. Raises RagError for a turn that has failed."""
    if isinstance(event, Failed):
        raise RagError(event.message)
    if isinstance(event, Answered):
        print_json(answer_json(event.answer))


async def consent(model: ChatModel) -> bool:
    """Ask whoever sits at the terminal; nobody there has not agreed."""
    if not sys.stdin.isatty():
        return False
    # Asyncio's own handler leaves Ctrl-C to the event loop, which waits for the answer here.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(
            f"{model.name or 'The model'} is not on this machine but {PLACES[model.reach]}. Send "
            f"the question and passages of your documents to {model.address}?",
            err=True,
        )
    finally:
        signal.signal(signal.SIGINT, handler)


async def watched(
    events: AsyncGenerator[AnswerEvent], workspace: Workspace, tier: Tier
) -> AsyncGenerator[AnswerEvent]:
    """The same events, with progress bars while a model is being made ready, and a line that tells
    what it is at."""
    async with aclosing(events), AsyncExitStack() as waits:
        line = await waits.enter_async_context(phase_line())
        waiting = await waits.enter_async_context(waiting_shown(workspace, tier))
        async for event in events:
            if not isinstance(event, Retrieved | Working):
                waiting.cancel()
            if not _has_bar(event, workspace, tier):
                line.show(event)
            yield event
            if isinstance(event, Escalated):
                tier = "llm"
                waiting = await waits.enter_async_context(waiting_shown(workspace, tier))


def _has_bar(event: AnswerEvent, workspace: Workspace, tier: Tier) -> bool:
    """Whether a progress bar tells of it already."""
    is_loading = isinstance(event, Working) and event.phase == "loading"
    return is_loading and workspace.status(tier).progress is not None


@asynccontextmanager
async def waiting_shown(
    workspace: Workspace, tier: Tier, setting: str | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """While the task runs, progress bars tell how far the model is from answering."""
    task = asyncio.create_task(_show_waiting(workspace, tier, setting))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _show_waiting(workspace: Workspace, tier: Tier, setting: str | None) -> None:
    with progress_shown() as show:
        while not (status := workspace.status(tier, setting)).is_ready:
            if status.progress is not None:
                show(status.progress)
            await asyncio.sleep(FRAME_S)


def scoped(workspace: Workspace, names: Sequence[str]) -> Index:
    """What to search: all of it, or the documents that are named. Raises NotFound."""
    if not names:
        return workspace.index
    entries = workspace.library.documents()
    found = frozenset(one for name in names for one in _named(entries, name))
    return Scoped(workspace.index, found)


def _named(entries: Sequence[LibraryEntry], name: str) -> list[str]:
    found = [entry.id for entry in entries if name in {entry.name, entry.id}]
    found = found or [entry.id for entry in entries if entry.name.lower() == name.lower()]
    if not found:
        raise NotFound(f"No document is called {name}: `python -m rag documents` lists them.")
    return found


def _not_empty(text: str, argument: str) -> None:
    if not text.strip():
        raise click.UsageError(f"{argument} is empty: write what you want to know.")


def print_hit(hit: Hit, explanation: Explanation | None = None) -> None:
    matched = f"({hit.score:.2f}: {', '.join(hit.matched_terms)})"
    click.echo(f"{hit.rank}. {_place(hit.chunk)}  {matched}")
    click.echo(f"   {' '.join(hit.chunk.text.split())}\n")
    if explanation:
        print_explanation(explanation, hit.score)


def print_explanation(explanation: Explanation, score: float) -> None:
    rows = [
        (each.term, f"{each.idf:.2f}", f"{each.frequency}", f"{each.weight:g}", f"{each.share:.2f}")
        for each in explanation.terms
    ]
    for line in table(("term", "idf", "times", "weight", "share"), rows):
        click.echo(f"   {line}".rstrip())
    factor = f"{explanation.length_factor:.2f} × the average length"
    click.echo(f"   {explanation.length} terms, {factor}\n")
    if abs(explaining.total(explanation) - score) > ROUNDED:
        click.echo(f"   {STILL_COUNTED}\n")


def print_expected(expected: Expected) -> None:
    click.echo(f"Expected: {_place(expected.chunk)}" if expected.chunk else "Expected:")
    for reason in expected.reasons:
        click.echo(f"   {reason}")


def _place(chunk: Chunk) -> str:
    section = f" · {chunk.section}" if chunk.section else ""
    return f"{chunk.document_name}, page {chunk.page}{section}"
