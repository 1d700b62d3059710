"""A turn in a terminal: its events in, lines out.

The words are printed as they come, without the model's thinking. The final answer is printed again,
under a rule, when it is not what was last seen: citations were added, a draft came back, or the
turn was declined after all.
"""

from __future__ import annotations

import textwrap

import click

from rag.errors import RagError
from rag.retrieval.analysis import content_words
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Delta,
    Escalated,
    Failed,
    Hit,
    Latency,
    Restarted,
)

RULE = "─" * 40
_EXCERPT = 160  # letters of a passage
_STAGES = ("retrieve", "pack", "queue", "first_token", "generate", "check", "escalate")


class Transcript:
    """``print`` every event of one turn, in order; ``is_local`` tells of the small model."""

    def __init__(self, *, is_local: bool = True) -> None:
        self._is_local = is_local
        self._streamed = ""  # of the answer that is now being written
        self._is_superseded = False  # what stands above is not all of one answer

    def print(self, event: AnswerEvent) -> None:
        """Raises RagError for a turn that has failed."""
        match event:
            case Delta(text=text):
                self._streamed += text
                click.echo(text, nl=False)
            case Restarted():
                if self._streamed:
                    click.echo(f"\n\n{RULE}")
                self._streamed = ""
            case Escalated(model=model, reasons=reasons):
                gap = "\n\n" if self._streamed else ""
                self._streamed, self._is_superseded = "", True
                click.echo(f"{gap}{' '.join(reasons)} Asking {model}:\n")
            case Answered(answer=answer):
                self._answered(answer)
            case Failed(message=message):
                if self._streamed:
                    click.echo("")
                raise RagError(message)

    def _answered(self, answer: Answer) -> None:
        if self._streamed.strip() != answer.text.strip():
            rule = f"{RULE}\n" if self._streamed or self._is_superseded else ""
            gap = "\n\n" if self._streamed else ""
            click.echo(f"{gap}{rule}{answer.text}", nl=False)
        click.echo("\n")
        for line in nearest(answer) if answer.route == "declined" else sources(answer):
            click.echo(line)
        for sentence in answer.warnings:
            click.echo(sentence, err=True)
        confidence = answer.confidence
        value = f"confidence {confidence.value:.0%}"
        click.echo(f"{badge(answer, is_local=self._is_local)} · {value}")
        for reason in confidence.reasons:
            click.echo(f"  {reason}")
        models = ", ".join(answer.usage)
        is_cold = bool(answer.attempts) and answer.attempts[0].is_cold
        line = latency_line(answer.latency, is_cold=is_cold)
        click.echo(" · ".join(filter(None, (models, line))))


def badge(answer: Answer, *, is_local: bool = True) -> str:
    """Who answered, and whether that can be relied on."""
    match answer.route:
        case "declined":
            return "Not in your documents"
        case "refined":
            words = f"Refined by {answer.model}"
        case "llm" if answer.latency.escalate_ms is not None:
            words = f"Escalated to {answer.model}"
        case "llm":
            words = f"Answered by {answer.model}"
        case "slm":
            words = "Answered locally" if is_local else f"Answered by {answer.model}"
    return words if answer.confidence.verdict == "accept" else f"{words}, uncertain"


def sources(answer: Answer) -> list[str]:
    cited = [
        f"[{citation.number}] {citation.document}, page {citation.page}"
        f"{'' if citation.supported else '  (does not back the sentence)'}"
        for citation in answer.citations
    ]
    return list(dict.fromkeys(cited))


def nearest(answer: Answer) -> list[str]:
    """What was searched for, and the passages that came nearest."""
    asked = f"{answer.query.text} {answer.query.background}"
    hits = answer.context.hits
    words, _ = content_words(asked, {hit.chunk.language for hit in hits})
    return [f"Searched for: {', '.join(words)}", *map(_excerpt, hits)]


def _excerpt(hit: Hit) -> str:
    text = textwrap.shorten(hit.chunk.text, _EXCERPT, placeholder=" …")
    return f"Nearest: {hit.chunk.document_name}, page {hit.chunk.page}: {text}"


def latency_line(latency: Latency, *, is_cold: bool = False) -> str:
    """The stages that were measured, in the order in which they happened; a first token is cold
    when the model was loaded for it.

    >>> latency_line(Latency(retrieve_ms=3.2, generate_ms=2100.0, total_ms=2103.2))
    'retrieve 3 ms + generate 2.1 s = 2.1 s'
    """
    figures = ((stage, getattr(latency, f"{stage}_ms")) for stage in _STAGES)
    known = [
        f"{_named(stage, is_cold=is_cold)} {_duration(ms)}"
        for stage, ms in figures
        if ms is not None
    ]
    total = "" if latency.total_ms is None else f" = {_duration(latency.total_ms)}"
    return " + ".join(known) + total


def _named(stage: str, *, is_cold: bool) -> str:
    words = stage.replace("_", " ")
    return f"cold {words}" if is_cold and stage == "first_token" else words


def _duration(ms: float) -> str:
    seconds = ms / 1000
    return f"{ms:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
