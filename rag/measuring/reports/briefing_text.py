"""A briefing as Markdown, for a file, a terminal or the page; its sources numbered through.

Any text may come from a model or a document: all of it is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields

from rag.answering.briefs import (
    Briefing,
    BriefingSection,
    BriefingTurn,
    cost_usd,
    latency,
    usage,
)
from rag.answering.statements import Statement
from rag.measuring.reports.figures import shown
from rag.measuring.reports.markdown import plain
from rag.types import Citation, Latency

_HEADING = re.compile(r"\A(?:#{1,6} [^\n]*\n\s*)+")
LEFT_OUT = "Left out, because no passage backs it"
CALLED_OPEN = "Open in the documents"
FIGURES = "Key figures"

UNBACKED = "(the model's own words, which no single passage backs)"
NOTHING = "Nothing was written about it that a passage backs."

Place = tuple[str, int, int, int]  # document, page, start, end


class Sources:
    """Numbers quotes in the order in which they are first cited."""

    def __init__(self) -> None:
        self.quotes: list[Citation] = []
        self._numbers: dict[Place, int] = {}

    def cited(self, statement: Statement) -> str:
        """The sentence with its marks, ``Blue. [1]``."""
        return f"{statement.text} {self.marks(statement)}"

    def marks(self, statement: Statement) -> str:
        numbers = dict.fromkeys(map(self._number, statement.citations))
        return "".join(f"[{number}]" for number in numbers)

    def _number(self, quote: Citation) -> int:
        place = (quote.document, quote.page, quote.start, quote.end)
        if place not in self._numbers:
            self.quotes.append(quote)
            self._numbers[place] = len(self.quotes)
        return self._numbers[place]


def summary(briefing: Briefing) -> str:
    """What was made, in a sentence or two."""
    kinds = [section.kind for section in briefing.sections]
    statements = [one for section in briefing.sections for one in section.statements]
    told = (
        f"{_counted(kinds.count('document'), 'document')}"
        f"{_and(kinds.count('topic'))} in {_counted(len(statements), 'sentence')}, each with the "
        "passage that backs it."
    )
    refined = sum(one.is_refined for one in statements)
    if refined:
        told += f" {_counted(refined, 'sentence')} came from the larger model."
    if briefing.missing:
        told += f" Stopped before {', '.join(briefing.missing)}."
    return told


def _and(topics: int) -> str:
    return f" and {_counted(topics, 'topic')}" if topics else ""


# --- the whole, and parts of it --------------------------------------------------------------


def markdown(briefing: Briefing, title: str) -> str:
    """The whole briefing; for a file, a terminal or the page."""
    sources = Sources()
    blocks = [
        f"# {plain(title)}",
        plain(summary(briefing)),
        *_in_short(briefing, sources),
        *(block for section in briefing.sections for block in _section(section, sources)),
        *_sources(sources),
        *_made(briefing),
        *_notes(briefing),
    ]
    return "\n\n".join(blocks) + "\n"


def section_markdown(section: BriefingSection) -> str:
    """One section as it is done, with sources of its own."""
    sources = Sources()
    return "\n\n".join([*_section(section, sources), *_quoted(sources)]) + "\n"


def _in_short(briefing: Briefing, sources: Sources) -> Iterator[str]:
    found = leads(briefing, sources)
    if found:
        yield "## In short"
        yield "\n".join(
            f"- **{plain(title)}**: {plain(f'{said} {marks}')}" for title, said, marks in found
        )


def leads(briefing: Briefing, sources: Sources) -> list[tuple[str, str, str]]:
    """Of each section its title, one sentence, and the marks of that."""
    found = []
    for section in briefing.sections:
        if section.about:
            found.append((section.title, section.about, UNBACKED))
        elif section.lead:
            found.append((section.title, section.lead.text, sources.marks(section.lead)))
    return found


def notes(briefing: Briefing) -> list[str]:
    """What was lost, went wrong or could not be read; each once."""
    told = [
        f"{section.title}: {turn.note}"
        for section in briefing.sections
        for turn in section.turns
        if turn.note
    ]
    return list(dict.fromkeys([*told, *briefing.unread]))


def _section(section: BriefingSection, sources: Sources) -> Iterator[str]:
    yield f"## {plain(section.title)}"
    if section.statements:
        yield _listed(section.statements, sources)
    elif section.kind == "document":
        yield NOTHING
    for title, found in ((FIGURES, section.figures), (CALLED_OPEN, section.open_points)):
        if found:
            yield f"**{title}**"
            yield _listed(found, sources)
    if section.unanswered:
        yield "**Not in the documents**"
        yield "\n".join(f"- {plain(question)}" for question in section.unanswered)
    if section.left_out:
        yield f"**{LEFT_OUT}**"
        yield "\n".join(f"- {plain(sentence)}" for sentence in section.left_out)


def _listed(found: Sequence[Statement], sources: Sources) -> str:
    return "\n".join(f"- {plain(sources.cited(one))}" for one in found)


def _sources(sources: Sources) -> Iterator[str]:
    if sources.quotes:
        yield "## Sources"
        yield from _quoted(sources)


def _quoted(sources: Sources) -> Iterator[str]:
    if sources.quotes:
        yield "\n".join(
            f"{number}. {plain(_place(quote))}: “{plain(without_heading(quote.quote))}”"
            for number, quote in enumerate(sources.quotes, 1)
        )


def _made(briefing: Briefing) -> Iterator[str]:
    if not briefing.turns:
        return
    yield "## How it was made"
    rows = [
        f"| {plain(section.title)} | {plain(writers(section))} | {len(section.turns)} "
        f"| {_ms(section.turns)} | {_tokens(section.turns)} | {_usd(section.turns)} |"
        for section in briefing.sections
    ]
    turns = briefing.turns
    rows.append(f"| All | | {len(turns)} | {_ms(turns)} | {_tokens(turns)} | {_usd(turns)} |")
    head = "| section | written by | questions | time | tokens | cost |"
    yield "\n".join([head, "|---|---|---:|---:|---:|---:|", *rows])
    spent = ", ".join(f"{name} {shown(ms, 'ms')}" for name, ms in stages(latency(turns)))
    if spent:
        yield f"Where the time went: {spent.replace('_', ' ')}."


def _notes(briefing: Briefing) -> Iterator[str]:
    found = notes(briefing)
    if found:
        yield "## What to know"
        yield "\n".join(f"- {plain(note)}" for note in found)


# --- words -----------------------------------------------------------------------------------


def stages(found: Latency) -> Iterator[tuple[str, float]]:
    for stage in fields(Latency):
        ms = getattr(found, stage.name)
        if ms is not None and stage.name != "total_ms":
            yield stage.name.removesuffix("_ms"), ms


def without_heading(quote: str) -> str:
    """A quote may begin with the heading above its sentence.

    >>> without_heading("# Kenya\\n\\nChild labour is common.")
    'Child labour is common.'
    """
    return _HEADING.sub("", quote) or quote


def writers(section: BriefingSection) -> str:
    """Models by the number of sentences that stand."""
    models = [one.model or "the document itself" for one in section.statements]
    return ", ".join(f"{model} ({models.count(model)})" for model in dict.fromkeys(models))


def _place(quote: Citation) -> str:
    return f"{quote.document}, page {quote.page}"


def _ms(turns: Sequence[BriefingTurn]) -> str:
    total_ms = latency(turns).total_ms
    return "–" if total_ms is None else shown(total_ms, "ms")


def _tokens(turns: Sequence[BriefingTurn]) -> str:
    used = usage(turns).values()
    return f"{sum(one.prompt_tokens + one.completion_tokens for one in used):,}"


def _usd(turns: Sequence[BriefingTurn]) -> str:
    cost = cost_usd(turns)
    return "unknown" if cost is None else shown(cost, "USD")


def _counted(count: int, of: str) -> str:
    return f"{count} {of}" if count == 1 else f"{count} {of}s"
