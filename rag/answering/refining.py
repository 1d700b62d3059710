"""When the larger model should polish a draft, and what it is told: a judged draft in, reasons and
messages out.

A polish costs a whole answer of the larger model, so it has to have a reason. Knows nothing of
models and modes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answering.citations import without_marks
from rag.answering.safety import defused
from rag.retrieval.analysis import terms
from rag.tokens import count_tokens
from rag.types import Confidence, Message

LONG_DRAFT_TOKENS = 150  # from here on a draft is a briefing


def reasons(
    draft: str,
    unsupported: Sequence[str],
    judged: Confidence,
    *,
    question: str,
    language: str = "",
    topics: Sequence[str] = (),
) -> Iterator[str]:
    """Why a polish of ``draft`` would pay, as sentences; none when it can stand as it is.

    ``topics`` are words that make any draft about them worth it, whatever their endings.
    """
    if judged.verdict == "escalate":
        yield from judged.reasons
    if len(unsupported) == 1:
        yield "A sentence is backed by no passage."
    elif unsupported:
        yield f"{len(unsupported)} sentences are backed by no passage."
    asked = set(terms(question, language))
    for topic in topics:
        if (words := set(terms(topic, language))) and words <= asked:
            yield f"The question is about {topic}."
    if count_tokens(draft) >= LONG_DRAFT_TOKENS:
        yield "The draft is long."


def instructions(draft: str, unsupported: Sequence[str]) -> tuple[Message, ...]:
    """What follows the question in the prompt: the draft's backed sentences, and what to mend.

    Nothing when no sentence is backed: a model repeats a wrong draft, so it is asked afresh.
    """
    kept = draft
    for sentence in unsupported:
        kept = kept.replace(sentence, "")
    kept = without_marks(kept).strip()
    if not kept:
        return ()
    lines = ["Write this answer again, from the passages only: make it complete and clear."]
    if unsupported:
        lines += ["These sentences were taken out of it, because no passage backs them:"]
        lines += [f"- {defused(without_marks(sentence))}" for sentence in unsupported]
    lines += ["Write nothing but the answer."]
    return Message("assistant", defused(kept)), Message("user", "\n".join(lines))


def is_worse(polished: Confidence, draft: Confidence) -> bool:
    """Whether the draft should stand after all: a polish must not lose what was accepted."""
    return draft.verdict == "accept" and polished.verdict != "accept"
