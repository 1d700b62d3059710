"""The messages a model is sent: question, passages and conversation in, chat messages out.

What stays the same from turn to turn comes first, so that a server's prefix cache is reused: the
instruction, the passages, earlier turns, and the question last. The wording is the one that was
measured best (docs/decisions/0050-prompt.md). Knows nothing of servers and templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rag.answering.citations import without_marks
from rag.answering.context import SEPARATOR, model_tokens
from rag.answering.safety import defused
from rag.types import Context, Message

INSTRUCTION = (
    "Answer the question from the passages, in a full sentence. "
    "If they do not hold the answer, say that it is not in the documents."
)
# Languages small models do not keep to unless they are told.
_NAMES = {"ro": "Romanian"}
_TEMPLATE_TOKENS = 8  # what a chat template adds to a message, at most


def messages(
    question: str, context: Context, history: Sequence[Message] = (), language: str = ""
) -> tuple[Message, ...]:
    """``history`` is what ``recent`` chose; ``language`` the question's, an ISO 639-1 code or "".

    The passages stand before the first question, whichever turn that is from.
    """
    asked = f"Question: {defused(question)}"
    if language in _NAMES:
        asked += f"\nAnswer in {_NAMES[language]}."
    first, *rest = [*history, Message("user", asked)]
    opening = SEPARATOR.join(filter(None, (context.text, first.content)))
    return (Message("system", INSTRUCTION), Message("user", opening), *rest)


def recent(history: Sequence[Message], budget_tokens: int) -> tuple[Message, ...]:
    """The latest whole turns that fit, oldest first and ready for a prompt.

    A question that got no answer is left out, and citations are: their numbers have moved on.
    """
    chosen: list[Message] = []
    for turn in reversed([_turn(*both) for both in pairwise(history) if _is_turn(*both)]):
        budget_tokens -= token_count(turn)
        if budget_tokens < 0:
            break
        chosen[:0] = turn
    return tuple(chosen)


def token_count(prompt: Iterable[Message]) -> int:
    """An upper estimate of what a server will count for these messages."""
    return sum(model_tokens(message.content) + _TEMPLATE_TOKENS for message in prompt)


def _is_turn(question: Message, answer: Message) -> bool:
    return (question.role, answer.role) == ("user", "assistant")


def _turn(question: Message, answer: Message) -> tuple[Message, Message]:
    asked = Message("user", f"Question: {defused(question.content)}")
    return asked, Message("assistant", defused(without_marks(answer.content)))
