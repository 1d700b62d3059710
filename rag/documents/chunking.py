"""From pages to passages: cut at headings, paragraphs and sentences to a budget of tokens.

Goes in: a page's text and its media type. Comes out: spans ``[start, end)`` of that text which
together hold all its characters but white space. Knows no file and no index. Only inside a
paragraph that had to be split do neighbours overlap; why: docs/decisions/0011-chunking.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from rag.documents.units import Ruler, Unit, cut, units
from rag.language import detect
from rag.types import Chunk, Document

_PROBES = 8
_ENOUGH_CHARS = 300  # to tell a passage's language; the time grows with them


@dataclass(frozen=True, slots=True)
class Span:
    """A passage by its place in a page; ``section`` is None before the page's first heading."""

    start: int
    end: int
    token_count: int
    section: str | None


def chunk(document: Document, *, max_tokens: int, overlap: float) -> tuple[Chunk, ...]:
    """The passages of ``document`` in reading order; none of over ``max_tokens`` tokens.

    ``overlap`` is the largest share of a passage that repeats the one before. A heading holds for
    the following pages too. Passages have a language of their own where a document mixes some.
    """
    pages = (spans(page, document.media_type, max_tokens, overlap) for page in document.pages)
    return chunks(document, pages)


def chunks(document: Document, spans_by_page: Iterable[Iterable[Span]]) -> tuple[Chunk, ...]:
    """Passages from spans that were found before, perhaps elsewhere, page by page."""
    found = []
    section = ""
    for number, (text, page_spans) in enumerate(zip(document.pages, spans_by_page, strict=True), 1):
        for span in page_spans:
            section = section if span.section is None else span.section
            found.append(_chunk(document, number, text, span, section))
    return _with_languages(found, document.language)


def _chunk(document: Document, page: int, text: str, span: Span, section: str) -> Chunk:
    return Chunk(
        id=f"{document.id[:16]}-{page}-{span.start}",
        document_id=document.id,
        document_name=document.name,
        page=page,
        section=section,
        text=text[span.start : span.end],
        start=span.start,
        end=span.end,
        token_count=span.token_count,
        language=document.language,
    )


def _with_languages(found: list[Chunk], language: str) -> tuple[Chunk, ...]:
    """A few probes tell whether all speak ``language``; only if not, each is asked."""
    probes = found[:: len(found) // _PROBES + 1]
    if all(detect(probe.text) in {language, ""} for probe in probes):
        return tuple(found)
    return tuple(
        replace(each, language=detect(each.text[:_ENOUGH_CHARS]) or language) for each in found
    )


def spans(text: str, media_type: str, max_tokens: int, overlap: float) -> Iterator[Span]:
    """The passages of one page. Those of a table hold whole rows; its first row is the section."""
    ruler = Ruler(text)
    pending: list[Unit] = []
    old = 0  # units at the beginning of ``pending`` that repeat the passage before
    for unit in chain(units(text, media_type, max_tokens, ruler), [None]):
        while pending and (unit is None or not _belongs(unit, pending, max_tokens)):
            span, closed, rest = _closed(text, pending, old, max_tokens, ruler)
            yield span
            repeated = _repeated(closed, [*rest, unit][0], max_tokens, overlap, ruler)
            pending, old = [*repeated, *rest], len(repeated)
        if unit is not None:
            pending.append(unit)


def _belongs(unit: Unit, pending: list[Unit], max_tokens: int) -> bool:
    """A heading begins anew, unless it follows right after another: the two stay together."""
    if unit.is_heading and not pending[-1].is_heading:
        return False
    return unit.token_count + sum(each.token_count for each in pending) <= max_tokens


def _closed(
    text: str, pending: list[Unit], old: int, max_tokens: int, ruler: Ruler
) -> tuple[Span, list[Unit], list[Unit]]:
    """A passage of as many units as truly fit, at least one of them new; they; those left over."""
    start = pending[0].start
    for count in range(len(pending), old, -1):
        last = pending[count - 1]
        tokens = ruler.count(start, last.end)
        if tokens <= max_tokens or last.end - start == 1:
            return Span(start, last.end, tokens, last.section), pending[:count], pending[count:]
    fewer = pending[old:] if old else [*cut(text, pending[0], max_tokens), *pending[1:]]
    return _closed(text, fewer, 0, max_tokens, ruler)


def _repeated(
    closed: list[Unit], following: Unit | None, max_tokens: int, overlap: float, ruler: Ruler
) -> list[Unit]:
    """The pieces at the end of a closed passage that open the next one of the same paragraph."""
    if following is None or following.split_from is None:
        return []
    for index in range(1, len(closed)):
        unit, repeated = closed[index], closed[index:]
        if (
            unit.split_from == following.split_from
            and ruler.estimate(unit.start, closed[-1].end) <= overlap * max_tokens
            and _belongs(following, repeated, max_tokens)
            and ruler.count(unit.start, closed[-1].end) <= overlap * max_tokens
        ):
            return repeated
    return []
