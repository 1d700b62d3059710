"""The messages a model is sent: question, passages and conversation in, chat messages out.

What stays the same from turn to turn comes first, so that a server's prefix cache is reused: the
instruction, the passages, earlier turns, and the question last. The wording is the one that was
measured best (docs/decisions/0050-prompt.md). Knows nothing of servers and templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from rag.answering.citations import without_marks
from rag.answering.context import SEPARATOR, model_tokens
from rag.answering.refusals import refuses
from rag.answering.safety import defused
from rag.types import Context, Form, Message

INSTRUCTIONS: Mapping[Form, str] = {
    "answer": (
        "Answer the question using only the passages, in their exact words. "
        "If they do not say exactly what is asked, reply: Not in the documents."
    ),
    "sentence": (
        "Answer the question from the passages, in a full sentence. "
        "If they do not hold the answer, say that it is not in the documents."
    ),
}
_LANGUAGES = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}
_TEMPLATE_TOKENS = 8  # what a chat template adds to a message, at most


def messages(
    question: str,
    context: Context,
    turns: Sequence[Message] = (),
    language: str = "",
    form: Form = "answer",
) -> tuple[Message, ...]:
    """``turns`` are what ``recent`` chose; ``language`` the question's, an ISO 639-1 code or "".

    The passages stand before the first question, whichever turn that is from.
    """
    first, *rest = [*turns, _asked(question)]
    opening = SEPARATOR.join(filter(None, (context.text, first.content)))
    system = Message("system", _instruction(context, language, form))
    return (system, Message("user", opening), *rest)


def recent(turns: Sequence[Message], budget_tokens: int) -> tuple[Message, ...]:
    """The latest whole turns that fit, oldest first and ready for a prompt.

    A question that got no answer from the documents is left out, because a model repeats what it
    said; and citations are, because their numbers have moved on.
    """
    chosen: list[Message] = []
    for question, answer in reversed(list(pairwise(turns))):
        if (question.role, answer.role) != ("user", "assistant") or refuses(answer.content):
            continue
        text = defused(without_marks(answer.content))
        turn = (_asked(question.content), Message("assistant", text))
        budget_tokens -= token_count(turn)
        if budget_tokens < 0:
            break
        chosen[:0] = turn
    return tuple(chosen)


def token_count(prompt: Iterable[Message]) -> int:
    """An upper estimate of what a server will count for these messages."""
    return sum(model_tokens(message.content) + _TEMPLATE_TOKENS for message in prompt)


def _asked(question: str) -> Message:
    return Message("user", f"Question: {defused(question)}")


def _instruction(context: Context, language: str, form: Form) -> str:
    """Small models are told a language they would not keep to by themselves."""
    languages = {hit.chunk.language or language for hit in context.hits}
    if language not in _LANGUAGES or (language == "en" and languages <= {"en"}):
        return INSTRUCTIONS[form]
    return f"{INSTRUCTIONS[form]} Answer in {_LANGUAGES[language]}."
