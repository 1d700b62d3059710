"""The values that every stage exchanges: frozen, comparable, standard library only.

Nothing here computes. ``None`` means unknown; zero means zero. Units are in the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["auto", "slm", "llm", "refine"]
Tier = Literal["slm", "llm"]
Route = Literal["slm", "llm", "refined", "declined"]
Verdict = Literal["accept", "escalate", "not_in_documents"]
Form = Literal["answer", "sentence"]  # what a model is asked to write
Role = Literal["system", "user", "assistant"]
Reach = Literal["machine", "network", "cloud"]  # how far a prompt travels to a model
Phase = Literal["loading", "waiting", "thinking", "writing"]  # of a model at work
EnergySource = Literal["measured", "configured"]  # by a meter, or from the watts a person gave
LogFormat = Literal["text", "json"]
LogLevel = Literal["error", "warning", "info", "debug"]
Device = Literal["auto", "cpu", "gpu", "npu"]  # what Foundry Local computes with


# --- documents ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """A file once read. ``pages[0]`` is page 1; a file without pages has one."""

    id: str  # sha256 of the file's bytes, hexadecimal
    name: str
    media_type: str
    pages: tuple[str, ...]
    language: str  # ISO 639-1; "" when not detected
    note: str = ""  # what could not be read, as a sentence; "" when all was


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one page: ``page_text[start:end] == text``."""

    id: str
    document_id: str
    document_name: str
    page: int  # 1-based
    section: str  # nearest heading above, "" when there is none
    text: str
    start: int
    end: int
    token_count: int
    language: str = ""  # ISO 639-1; "" when not detected


# --- retrieval ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: the question, and what was talked about before it."""

    text: str
    background: str = ""  # earlier turns; their terms weigh less than those of ``text``


@dataclass(frozen=True, slots=True)
class Hit:
    chunk: Chunk
    score: float  # raw BM25: unbounded, may be <= 0, comparable within one search only
    rank: int  # 1 is best
    matched_terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one search scored by: of each term of the question its weight and its idf."""

    weights: Mapping[str, float]
    idfs: Mapping[str, float]
    average_length: float  # terms a passage


@dataclass(frozen=True, slots=True)
class TermShare:
    """What one term of the question did for a passage's score."""

    term: str
    idf: float
    frequency: int  # in the passage, its title and section
    weight: float  # in the question: 1, or less for earlier turns and other languages
    share: float  # of the score, in its unit: those of all terms add up to it


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage has its score: ``share = weight * idf * frequency * 2.2 / (frequency + 1.2 *
    length_factor)``, added up over the terms."""

    length: int  # terms, those of title and section among them
    average_length: float
    length_factor: float  # 1 at the average, more for longer; of the length as engines keep it
    terms: tuple[TermShare, ...]  # the largest share first


@dataclass(frozen=True, slots=True)
class Missing:
    """A word of the question that a passage lacks."""

    word: str
    nearest: str  # the word there that is spelt most like it; "" when none is


@dataclass(frozen=True, slots=True)
class Expected:
    """A passage that a person expected to be found, and why it was or was not."""

    chunk: Chunk | None  # None: there is no such passage
    rank: int | None  # among all passages searched; None: it is not ranked, or far behind
    score: float | None
    missing: tuple[Missing, ...]
    reasons: tuple[str, ...]  # sentences a person can read


@dataclass(frozen=True, slots=True)
class Dropped:
    """A hit that did not reach the model, and why, as a sentence."""

    hit: Hit
    reason: str


@dataclass(frozen=True, slots=True)
class Context:
    """What the model may read: passages numbered from 1 in the order of ``hits``."""

    text: str
    hits: tuple[Hit, ...]
    token_count: int
    budget_tokens: int
    dropped: tuple[Dropped, ...] = ()


# --- models ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    max_tokens: int = 512  # always sent: servers' own defaults cut silently
    temperature: float = 0.0
    seed: int | None = 0
    stop: tuple[str, ...] = ()
    is_streamed: bool = True  # False: in one piece, at the end


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply as it streams; ``logprobs`` is one figure a token of ``text``, or none.

    ``reasoning`` is the model's thinking, apart from its answer: shown folded, never judged.
    """

    text: str
    logprobs: tuple[float, ...] = ()
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished reply. The counts are the server's own; ``None`` where it gave none."""

    text: str
    model: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    logprobs: tuple[float, ...] | None = None  # of ``text`` alone
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server was seen to do when it was probed; ``None`` means not yet known."""

    streams: bool | None = None
    reports_usage: bool | None = None
    logprobs: bool | None = None
    context_tokens: int | None = None
    reasons: bool | None = None  # it thinks before it answers, so it needs room for that


# --- answers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Citation:
    """``[number]`` in the answer; ``quote`` is ``page_text[start:end]`` of that page."""

    number: int
    chunk_id: str
    document: str
    page: int
    quote: str
    start: int
    end: int
    supported: bool  # is the citing sentence backed by this passage?


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured property of a draft. Below ``threshold`` it speaks against the draft."""

    value: float | None  # None: could not be measured on this turn
    threshold: float | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """A signal that weighed heavily in a judgement, and on which side."""

    name: str
    value: float
    speaks_for: bool  # for the answer
    details: tuple[str, ...] = ()  # what it is about, as written: the numbers not found, say


@dataclass(frozen=True, slots=True)
class Confidence:
    value: float  # 0 to 1; the probability that the answer is right, where calibrated
    verdict: Verdict
    signals: Mapping[str, Signal]
    reasons: tuple[str, ...]  # sentences a person can read, weightiest first
    weightiest: tuple[Weighed, ...] = ()  # what ``reasons`` say, for a page in any language
    calibration: str = ""  # the weights that were used; "" for documented thresholds


@dataclass(frozen=True, slots=True)
class Energy:
    """Electricity that this machine took while a model of its own worked."""

    wh: float  # watt-hours
    source: EnergySource
    is_whole: bool = True  # of the whole machine; else of its processors alone, so too little


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model's go at a turn: what it was sent, what it wrote, how that was judged."""

    tier: Tier
    model: str
    prompt: tuple[Message, ...]
    text: str  # as it was written, its images and links made harmless
    finish_reason: str  # as the server said; "stopped" when we did not let it finish
    confidence: Confidence | None = None  # None: it failed before it could be judged
    reasoning: str = ""  # the model's thinking, made harmless like ``text``
    reach: Reach = "machine"
    is_cold: bool = False  # the model was loaded for it, so its first token says little
    energy: Energy | None = None  # None: the model is elsewhere, or nobody knows


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds by stage. The known parts add up to ``total_ms``; ``None`` is unknown or unused.

    ``first_token`` runs from sending the request to its first token, ``generate`` from there to
    the last; ``queue`` is the wait before sending; ``escalate`` is all that the LLM took.
    """

    retrieve_ms: float | None = None
    pack_ms: float | None = None
    queue_ms: float | None = None
    first_token_ms: float | None = None
    generate_ms: float | None = None
    check_ms: float | None = None
    escalate_ms: float | None = None
    total_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model in one turn, a rejected draft included."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool  # counted here, because the server did not say


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    route: Route
    model: str
    citations: tuple[Citation, ...]
    confidence: Confidence
    context: Context
    latency: Latency
    usage: Mapping[str, Usage]  # by model
    cost_usd: float | None
    trace_id: str
    warnings: tuple[str, ...] = ()
    query: Query = field(default_factory=lambda: Query(""))
    attempts: tuple[Attempt, ...] = ()  # in order, a superseded draft first; none when declined
    unsupported: tuple[str, ...] = ()  # sentences of ``text`` that no passage backs
    energy: Energy | None = None  # of all models here; None: none was asked, or nobody knows
    weighing: Weighing | None = None  # that its hits were scored by; None: they were not searched


# --- what a front end renders ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retrieved:
    query: Query
    context: Context


@dataclass(frozen=True, slots=True)
class Working:
    """What a model is doing from now on, so that slow and stuck can be told apart."""

    phase: Phase
    model: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The same model is asked again: the deltas since it was first asked no longer count."""

    reason: str  # a sentence


@dataclass(frozen=True, slots=True)
class Judged:
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Escalated:
    """The deltas so far are a superseded draft; those that follow are the LLM's.

    If the LLM then fails, ``Answered`` brings the draft back: its text is always the whole answer.
    """

    draft: str
    model: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn ended without an answer; ``partial`` is what had been written until then."""

    message: str
    partial: str = ""
    trace_id: str = ""
    latency: Latency = field(default_factory=Latency)
    attempts: tuple[Attempt, ...] = ()  # in order, as far as they came
    usage: Mapping[str, Usage] = field(default_factory=dict)  # by model
    errors: tuple[str, ...] = ()  # classes of errors.py, in order; none when it was stopped


AnswerEvent = Retrieved | Working | Delta | Restarted | Judged | Escalated | Answered | Failed
