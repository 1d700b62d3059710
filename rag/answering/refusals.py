"""Saying that the documents do not hold the answer, and noticing it: English and Romanian."""

from __future__ import annotations

import re

from rag.answering import sentences

_REFUSAL = re.compile(
    r"""\b(?:
      not\ (?:\w+\ )?(?:in|mentioned|stated|specified|provided|given|contained|included|found
        |available|described|clear)\ ?(?:in|from|by|within)?\ (?:the|your|any|these|this)\b
    | (?:do|does|did)(?:\ not|n['’]t)\ (?:\w+\ )?
        (?:mention|say|state|specify|provide|contain|hold|include|give|answer|know|have|describe)
    | (?:is|are|was|were)(?:\ not|n['’]t)\ (?:\w+\ )?
        (?:mentioned|stated|specified|provided|given|included|found|available|described)
    | (?:no|any)\ (?:information|mention|answer|details)\b
    | (?:cannot|can['’]t|could\ not|couldn['’]t|unable\ to)\ (?:be\ )?
        (?:answer|find|found|determine|tell|provide)
    | (?:i\ don['’]t\ know|found\ nothing|nothing\ (?:in|about))\b
    | nu\ (?:\w+\ ){0,2}(?:men[tț]ion|specific|preciz|con[tț]in|g[aă]s|apar|ofer|[sș]tiu
        |r[aă]spund|exist[aă]|[iî]n\ doc|[iî]n\ pasaj)
    )""",
    re.IGNORECASE | re.VERBOSE,
)


_NOT_FOUND = {
    "en": "I found nothing about this in your documents.",
    "ro": "Nu am găsit nimic despre asta în documentele tale.",
}


def not_found(language: str) -> str:
    """What the chat says, without asking a model, when no passage matches the question."""
    return _NOT_FOUND.get(language, _NOT_FOUND["en"])


def refuses(text: str) -> bool:
    """Whether an answer does so in its first sentence; what comes after an answer is no refusal."""
    start, end = next(sentences.spans(text), (0, 0))
    return is_refusal(text[start:end])


def is_refusal(sentence: str) -> bool:
    """
    >>> is_refusal("The passages do not mention a rocket."), is_refusal("It does not rain.")
    (True, False)
    """
    return bool(_REFUSAL.search(sentence))
