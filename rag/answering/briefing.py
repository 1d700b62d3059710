"""A briefing on documents: a pipeline, an index and documents in; sections of cited sentences out.

A small model answers short questions well and "summarise everything" badly. So each document is
asked what it is about and, part by part, for its main point; each topic is asked of the documents
that search finds for it. The small model drafts; the larger one refines priority documents and
flagged topics, and nothing else. What no passage backs is left out and told as open. Key figures
and points that a document itself calls open are its own sentences, found without a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from rag.answering import skimming, statements
from rag.answering.briefs import (
    Asking,
    Briefed,
    Briefing,
    BriefingEvent,
    BriefingSection,
    BriefingTurn,
    Kind,
    SectionDone,
    Subject,
    Turned,
)
from rag.answering.grounding import Sources
from rag.answering.pipeline import Pipeline
from rag.answering.statements import NOTHING, Statement, Statements
from rag.retrieval.index import Index, Scoped
from rag.retrieval.memory import MemoryIndex
from rag.types import Answer, Answered, Chunk, Failed, Hit, Mode, Query

POINTS = 4  # asked of a document, a part each
FIGURES, OPEN = 3, 3  # shown of a section
TOPIC_DOCUMENTS = 3  # asked about a topic: the best that search finds
ABOUT = 0.6  # share of the words of what is said of a whole that the document must hold
_MAX_PASSAGES = 100_000  # of a document
_SENTENCES: Mapping[Kind, int] = {"document": 2, "topic": 5}  # of an answer; the rest repeats

PassagesOf = Callable[[str], Iterable[Chunk]]  # of a document, by its id, in order

# What is asked of a document as a whole, of a part, and about a topic; by language.
_ABOUT = {"ro": "Despre ce este vorba în acest document?"}
_POINT = {"ro": "Care sunt punctele principale ale acestui text?"}
_TOPIC = {"ro": "Care sunt faptele despre {topic}?"}
_ABOUT_EN = "What is this document about?"
_POINT_EN = "What is the main point of this text?"
_TOPIC_EN = "What are the facts about {topic}?"


# --- the run ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    question: str
    index: Index
    part: Sequence[Chunk] = ()  # of a document, whose main point is asked for


@dataclass(frozen=True, slots=True)
class Plan:
    """A section, before anything was asked."""

    title: str
    kind: Kind
    is_refined: bool
    asks: tuple[Ask, ...]
    passages: tuple[Chunk, ...] = field(default=(), repr=False)  # of a document
    topic: str = ""  # as it was given


async def brief(
    pipeline: Pipeline,
    index: Index,
    subjects: Sequence[Subject],
    topics: Sequence[str] = (),
    *,
    points: int = POINTS,
    passages_of: PassagesOf | None = None,
) -> AsyncGenerator[BriefingEvent]:
    """``Asking`` and ``Turned`` for each question, ``SectionDone`` for each topic and document,
    ``Briefed`` at the end; priority documents come first. Closing it stops the model: what the last
    ``SectionDone`` held is what there is.

    A topic is flagged, and refined, when ``pipeline.options.refine_topics`` names it. A turn that
    fails is noted and the others go on. ``passages_of`` gives all passages of a document by its id,
    in order; without it ``index.openings`` does, which an index on disk does not know. Raises
    SearchError.
    """
    flagged = {topic.casefold() for topic in pipeline.options.refine_topics}
    flags = {topic: topic.casefold() in flagged for topic in topics}
    found = passages_of or _opening(index)
    plans = await asyncio.to_thread(_planned, index, subjects, flags, points, found)
    total = sum(len(plan.asks) for plan in plans)
    sections: tuple[BriefingSection, ...] = ()
    done = 0
    for number, plan in enumerate(plans, 1):
        ends: list[tuple[Ask, Answer | Failed]] = []
        mode: Mode = "refine" if plan.is_refined else "slm"
        for ask in plan.asks:
            yield Asking(plan.title, ask.question, done, total)
            end = await _end(_for(pipeline, ask, plan), ask, mode)
            ends.append((ask, end))
            done += 1
            yield Turned(end, mode)
        sections += (await asyncio.to_thread(_section, plan, ends),)
        missing = tuple(each.title for each in plans[number:])
        yield SectionDone(sections[-1], Briefing(sections, missing))
    yield Briefed(Briefing(sections))


async def _end(pipeline: Pipeline, ask: Ask, mode: Mode) -> Answer | Failed:
    end: Answer | Failed = Failed("The turn ended without an answer.")
    async with aclosing(pipeline.answer(ask.question, index=ask.index, mode=mode)) as events:
        async for event in events:
            if isinstance(event, Answered):
                end = event.answer
            elif isinstance(event, Failed):
                end = event
    return end


def _for(pipeline: Pipeline, ask: Ask, plan: Plan) -> Pipeline:
    """What is refined is refined in any case: the question is its own reason (refining.py)."""
    if not plan.is_refined:
        return pipeline
    return replace(pipeline, options=replace(pipeline.options, refine_topics=(ask.question,)))


# --- before ----------------------------------------------------------------------------------


def _planned(
    index: Index,
    subjects: Sequence[Subject],
    flags: Mapping[str, bool],
    points: int,
    passages_of: PassagesOf,
) -> list[Plan]:
    """``flags`` tells of each topic whether it is flagged."""
    in_order = sorted(subjects, key=lambda subject: not subject.is_priority)
    return [
        *(_of_topic(index, subjects, topic, is_flagged) for topic, is_flagged in flags.items()),
        *(_of_document(subject, tuple(passages_of(subject.id)), points) for subject in in_order),
    ]


def _opening(index: Index) -> PassagesOf:
    return lambda document: index.openings(_MAX_PASSAGES, {document})


def _of_document(subject: Subject, passages: tuple[Chunk, ...], points: int) -> Plan:
    about = _ABOUT.get(subject.language, _ABOUT_EN)
    point = _POINT.get(subject.language, _POINT_EN)
    asks = [Ask(point, MemoryIndex(part), part) for part in skimming.parts(passages, points)]
    whole = [Ask(about, MemoryIndex(passages))] if passages else []
    return Plan(titled(subject.name), "document", subject.is_priority, (*whole, *asks), passages)


def _of_topic(index: Index, subjects: Sequence[Subject], topic: str, is_flagged: bool) -> Plan:
    """Asked of each document by itself, so that one does not drown the others."""
    known = {subject.id: subject for subject in subjects}
    hits = index.search(Query(topic), TOPIC_DOCUMENTS * 10, known.keys())
    asks = tuple(
        Ask(
            _TOPIC.get(known[one].language, _TOPIC_EN).format(topic=topic),
            Scoped(index, frozenset([one])),
        )
        for one in _speaking(hits)[:TOPIC_DOCUMENTS]
    )
    return Plan(topic[:1].upper() + topic[1:], "topic", is_flagged, asks, topic=topic)


def _speaking(hits: Sequence[Hit]) -> list[str]:
    """Ids of documents, best first, without those that share little of the topic: "lamp oil" is
    not about every oil."""
    matched: dict[str, set[str]] = {}
    for hit in hits:
        matched.setdefault(hit.chunk.document_id, set()).update(hit.matched_terms)
    most = max(map(len, matched.values()), default=0)
    return [document for document, terms in matched.items() if 2 * len(terms) > most]


def titled(name: str) -> str:
    """
    >>> titled("Annual_report-2025.pdf")
    'Annual report-2025'
    """
    return " ".join(PurePath(name).stem.replace("_", " ").split()) or name


# --- after -----------------------------------------------------------------------------------


def _section(plan: Plan, ends: Sequence[tuple[Ask, Answer | Failed]]) -> BriefingSection:
    found = [statements.of(end) if isinstance(end, Answer) else NOTHING for _, end in ends]
    said = [
        one
        for (ask, _), each in zip(ends, found, strict=True)
        for one in each.backed[: _SENTENCES[plan.kind]] or _instead(ask, plan)
    ]
    kept = tuple(statements.new(said, ()))
    unbacked = tuple(dict.fromkeys(one for each in found for one in each.left_out))
    about = _about(plan, found)
    return BriefingSection(
        plan.title,
        plan.kind,
        plan.is_refined,
        kept,
        about,
        figures=tuple(statements.new(skimming.key_figures(plan.passages, FIGURES), kept)),
        open_points=tuple(skimming.open_points(plan.passages, OPEN)),
        left_out=tuple(sentence for sentence in unbacked if sentence != about),
        unanswered=tuple(_unanswered(plan, kept)),
        turns=tuple(_turn(ask, end) for ask, end in ends),
    )


def _instead(ask: Ask, plan: Plan) -> Sequence[Statement]:
    """A sentence of the document's own, where what the model wrote about a part cannot stand."""
    found = skimming.central(ask.part, plan.passages) if ask.part else None
    return [found] if found else []


def _about(plan: Plan, found: Sequence[Statements]) -> str:
    """Of the first question about a document, where no passage backs all of it: a small model
    names a whole in words of its own, which help a reader if they are marked."""
    if plan.kind == "topic" or not found or found[0].backed:
        return ""
    held = Sources.of(plan.passages)
    for sentence in found[0].left_out:
        share = held.share(sentence)
        if share is not None and share >= ABOUT and all(held.numbers(sentence).values()):
            return sentence
    return ""


def _unanswered(plan: Plan, kept: Sequence[Statement]) -> Iterator[str]:
    """A topic that no document answers; the parts of a document are no questions of anybody."""
    if plan.kind == "topic" and not kept:
        yield f"What do the documents say about {plan.topic}?"


def _turn(ask: Ask, end: Answer | Failed) -> BriefingTurn:
    if isinstance(end, Failed):
        return BriefingTurn(
            ask.question, "failed", "", end.latency, end.usage, None, None, end.message
        )
    note = " ".join(end.warnings)
    return BriefingTurn(
        ask.question,
        end.route,
        end.model,
        end.latency,
        end.usage,
        end.cost_usd,
        end.energy,
        note,
    )
