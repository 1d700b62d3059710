"""A briefing as the sections of a report; its sources numbered through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answering.briefs import (
    Briefing,
    BriefingSection,
    BriefingTurn,
    cost_usd,
    latency,
    usage,
)
from rag.measuring.reports.briefing_text import (
    CALLED_OPEN,
    FIGURES,
    LEFT_OUT,
    NOTHING,
    Sources,
    leads,
    notes,
    stages,
    without_heading,
    writers,
)
from rag.measuring.reports.figures import shown
from rag.measuring.reports.values import (
    Axis,
    Bar,
    Column,
    Missing,
    Part,
    Section,
    Table,
    Value,
    Waterfall,
)

_UNPRICED = Missing("What a turn of it cost is not known.")


def sections(briefing: Briefing) -> tuple[Section, ...]:
    sources = Sources()
    found = leads(briefing, sources)
    short = Table("What is each about?", _columns("Section", "in a sentence", "source"), (*found,))
    written = [_written(section, sources) for section in briefing.sections]
    made: tuple[Part, ...] = (_taken(briefing), *_time(briefing), *notes(briefing))
    return (
        *((Section("In short", (short,)),) if found else ()),
        *written,
        *((Section("Sources", (_quotes(sources),)),) if sources.quotes else ()),
        Section("How it was made", made),
    )


def _written(section: BriefingSection, sources: Sources) -> Section:
    parts: list[Part] = [sources.cited(one) for one in section.statements]
    if not parts and section.kind == "document":
        parts = [NOTHING]
    for title, found in ((FIGURES, section.figures), (CALLED_OPEN, section.open_points)):
        if found:
            rows = tuple((sources.marks(one), one.text) for one in found)
            parts.append(Table(title, _columns("Source", "in the document's words"), rows))
    parts += [f"Not in the documents: {question}" for question in section.unanswered]
    parts += [f"{LEFT_OUT}: {sentence}" for sentence in section.left_out]
    return Section(section.title, tuple(parts))


def _quotes(sources: Sources) -> Table:
    rows = tuple(
        (str(number), quote.document, quote.page, without_heading(quote.quote))
        for number, quote in enumerate(sources.quotes, 1)
    )
    columns = (
        Column("Number"),
        Column("document", align="left"),
        Column("page"),
        Column("what it says there", align="left"),
    )
    return Table("Where does each sentence come from?", columns, rows)


def _columns(*titles: str) -> tuple[Column, ...]:
    return tuple(Column(title, align="left") for title in titles)


def _taken(briefing: Briefing) -> Table:
    columns = (
        Column("Section"),
        Column("written by", align="left"),
        Column("questions"),
        Column("time", "ms"),
        Column("read", "tokens"),
        Column("written", "tokens"),
        Column("cost", "USD"),
    )
    rows = [
        (section.title, writers(section), *_row(section.turns)) for section in briefing.sections
    ]
    rows.append(("All", "", *_row(briefing.turns)))
    return Table("Who wrote what, and what did it take?", columns, tuple(rows))


def _row(turns: Sequence[BriefingTurn]) -> tuple[Value, ...]:
    used = usage(turns).values()
    cost = cost_usd(turns)
    return (
        len(turns),
        latency(turns).total_ms,
        sum(one.prompt_tokens for one in used),
        sum(one.completion_tokens for one in used),
        _UNPRICED if cost is None else cost,
    )


def _time(briefing: Briefing) -> Iterator[Waterfall]:
    bars = tuple(
        Bar(section.title, spent)
        for section in briefing.sections
        if (spent := tuple(stages(latency(section.turns))))
    )
    if bars:
        whole = latency(briefing.turns)
        slowest = max(stages(whole), key=lambda stage: stage[1])
        yield Waterfall(
            "Where did the time go?",
            f"{shown(whole.total_ms or 0.0, 'ms')} in all, of which {slowest[0].replace('_', ' ')} "
            f"took {shown(slowest[1], 'ms')}.",
            Axis("time", "ms", low=0),
            bars,
        )
