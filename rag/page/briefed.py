"""A briefing on the page: which documents it is on, how far it is, and its text and card. Values of
rag/answering/briefs.py in; Markdown, and properties of ``public/elements/TurnCard.jsx``, out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from rag.answering import briefs
from rag.answering.briefs import (
    Asking,
    Briefed,
    Briefing,
    BriefingEvent,
    BriefingSection,
    SectionDone,
    Subject,
)
from rag.measuring.reports.briefing_text import UNBACKED, Sources, leads, notes
from rag.page import card, sentences
from rag.page.chat import Chat
from rag.page.choices import Choices
from rag.page.markdown import answer, plain
from rag.page.passages import FindPage, passages
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import Chunk, Hit

if TYPE_CHECKING:
    from rag.answering.statements import Statement

Props = dict[str, Any]

MOST = 20  # documents of one briefing: each takes several questions
_NUMBERS = range(1, 1000)


class Entry(Protocol):
    """A document of the library."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...


def subjects(chat: Chat, library: Iterable[Entry], choice: Choices) -> list[Subject]:
    """The chosen documents; else those dropped into this chat, if any were; else the library.
    Refined, when the chat's answers are."""
    is_refined = choice.mode == "refine"
    own = [
        Subject(one, upload.document.name, upload.document.language, is_refined)
        for one, upload in chat.uploads.items()
    ]
    shelved = [
        Subject(one.id, one.name, one.language, is_refined)
        for one in sorted(library, key=lambda one: one.name.casefold())
    ]
    wanted = choice.documents or chat.dropped
    return [one for one in (*own, *shelved) if not wanted or one.id in wanted]


def problem(found: Sequence[Subject], words: Wording) -> str:
    """Why there can be no briefing on these; "" when there can."""
    if not found:
        return words("briefing_none")
    return words("briefing_many", count=len(found), most=MOST) if len(found) > MOST else ""


def named(found: Sequence[Subject], words: Wording) -> str:
    on = found[0].name if len(found) == 1 else words.count(len(found), "document")
    return words("briefing_on", documents=on)


# --- while it is made --------------------------------------------------------------------


class Progress:
    """``hear`` every event; ``title`` and ``lines`` say how far it is."""

    def __init__(self, found: Sequence[Subject], words: Wording) -> None:
        self._words, self._found = words, found
        self.title = named(found, words)
        self._asking: Asking | None = None
        self._done: list[BriefingSection] = []

    def hear(self, event: BriefingEvent) -> None:
        match event:
            case Asking():
                told = {"done": event.done + 1, "total": event.total}
                self.title, self._asking = self._words("briefing_asking", **told), event
            case SectionDone():
                self._asking, self._done = None, [*self._done, event.section]
            case Briefed():
                self.title, self._asking = named(self._found, self._words), None

    @property
    def lines(self) -> str:
        """A list in Markdown: what is done, and what is asked."""
        done = [
            (one.title, self._words.count(len(one.statements), "sentence")) for one in self._done
        ]
        asking = [(self._asking.title, self._asking.question)] if self._asking else []
        return "\n".join(f"- **{plain(title)}** · {plain(at)}" for title, at in (*done, *asking))


# --- what it says ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Made:
    id: str  # of the message that asked for it
    briefing: Briefing
    chunks: Mapping[str, Chunk]  # of its documents, by id
    places: Mapping[str, Place]  # where each model runs


def result(made: Made, find_page: FindPage, words: Wording) -> tuple[str, Props]:
    """Its Markdown, and the card below."""
    sources = Sources()  # numbered as the text cites them
    told = [_summary(made.briefing, words), *_blocks(made.briefing, sources, words)]
    return "\n\n".join(told), _card(made, words) | {
        "sources": _passages(sources, made.chunks, find_page)
    }


def _summary(briefing: Briefing, words: Wording) -> str:
    said = [one for section in briefing.sections for one in section.statements]
    told = words("briefing_summary", sentences=words.count(len(said), "sentence"))
    if briefing.missing:
        told += f" {words('briefing_stopped', names=', '.join(map(plain, briefing.missing)))}"
    return told


def _blocks(briefing: Briefing, sources: Sources, words: Wording) -> Iterator[str]:
    if len(briefing.sections) > 1 and (found := leads(briefing, sources)):
        yield f"### {words('in_short')}"
        yield "\n".join(
            f"- **{plain(title)}**: {plain(said)} {_linked(marks, words)}"
            for title, said, marks in found
        )
    for section in briefing.sections:
        yield from _section(section, sources, words)


def _section(section: BriefingSection, sources: Sources, words: Wording) -> Iterator[str]:
    yield f"### {plain(section.title)}"
    if section.statements:
        yield _listed(section.statements, sources, words)
    elif section.kind == "document":
        yield words("nothing_backed")
    for key, found in (("key_figures", section.figures), ("called_open", section.open_points)):
        if found:
            yield f"**{words(key)}**"
            yield _listed(found, sources, words)
    if section.unanswered:
        yield f"**{words('badge_declined')}**"
        yield "\n".join(f"- {plain(question)}" for question in section.unanswered)


def _listed(found: Sequence[Statement], sources: Sources, words: Wording) -> str:
    return "\n".join(f"- {plain(one.text)} {_linked(sources.marks(one), words)}" for one in found)


def _linked(marks: str, words: Wording) -> str:
    return f"*{words('own_words')}*" if marks == UNBACKED else answer(marks, _NUMBERS)


# --- its card ----------------------------------------------------------------------------


def _card(made: Made, words: Wording) -> Props:
    turns = made.briefing.turns
    used, cost_usd = briefs.usage(turns), briefs.cost_usd(turns)
    stages = card.stages(briefs.latency(turns), words)
    asked = [name for name in used if name in made.places]
    return {
        **card.blank(made.id, words),
        "badge": {"text": words("briefing"), "tone": "good"},
        "model": ", ".join(used),
        "ran": [card.ran_at(name, made.places[name], words) for name in asked],
        "can": {"save": f"{words('briefing').lower()}.md"},
        "stages": stages,
        "total_ms": sum(stage["ms"] for stage in stages),
        "usage": [card.used(name, one, words) for name, one in used.items()],
        "cost": card.cost(cost_usd, used, words) or words("free"),
        "warnings": [*_left_out(made.briefing, words), *_notes(made.briefing, words)],
    }


def _left_out(briefing: Briefing, words: Wording) -> Iterator[str]:
    count = sum(len(section.left_out) for section in briefing.sections)
    if count:
        yield words("left_out", sentences=words.count(count, "sentence"))


def _notes(briefing: Briefing, words: Wording) -> list[str]:
    return [sentences.said(one, words) for one in notes(briefing)]


def _passages(sources: Sources, chunks: Mapping[str, Chunk], find_page: FindPage) -> list[Props]:
    """Of each number its passage. One that is gone has no button, and the other numbers stay."""
    shown: list[Props] = []
    for number, quote in enumerate(sources.quotes, 1):
        if chunk := chunks.get(quote.chunk_id):
            [one] = passages([Hit(chunk, 0.0, 1, ())], [replace(quote, number=1)], find_page)
            shown.append({**one, "number": number})
    return shown
