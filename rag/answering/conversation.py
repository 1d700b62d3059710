"""What to search for when a question leans on what was said before: messages in, a query out.

No model is called. A question leans when it says so: it opens like a continuation, points back with
a pronoun, or is a mere fragment; English and Romanian. Any other question is a new topic, and is
searched alone. Knows nothing of indexes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.citations import without_marks
from rag.answering.grounding import content
from rag.types import Message, Query

_OPENERS = re.compile(
    r"\W*(?:and|but|or|also|then|what about|how about|same for|dar|[sș]i|iar|sau|deci|atunci"
    r"|ce spui de|cum r[aă]m[aâ]ne cu|la fel)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|this|these|those"
    r"|the (?:same|former|latter)|(?:is|was|does|did|do|about|of|like|for|after|before|than) that"
    r"|el|ea|ei|ele|[iî]l|acesta|aceasta|ace[sș]tia|acestea|acela|aceea|aceia|acelea|[aă]sta|astea"
    r"|[aă]ia|acolo|d[aâ]nsul|d[aâ]nsa|lui(?!\s+[A-ZĂÂÎȘȚ]))\b",
)
_FRAGMENT = re.compile(
    r"\W*(?:in|on|at|by|for|from|with|without|of|since|until|[iî]n|la|pe|cu|f[aă]r[aă]|de|din"
    r"|pentru|p[aâ]n[aă]|more|else|another|others?|examples?|details|continue|elaborate|explain"
    r"|tell me more|mai|altceva|exemple?|detalii|continu[aă]|explic[aă])\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\W*(?:who|whom|whose|what|which|when|where|why|how|cine|ce|care|c[aâ]nd|unde|cum|de ce"
    r"|c[aâ]t|c[aâ][tț]i|c[aâ]te)\b",
    re.IGNORECASE,
)
_FRAGMENT_WORDS = 2  # content words a fragment may have
_EARLIER = 3  # questions looked back at, while each leans on the one before
_NAMES = 12  # names and numbers taken from the last answer


def query(question: str, history: Sequence[Message]) -> Query:
    """The question and, if it leans on it, its background: what was asked and named before."""
    if not leans(question):
        return Query(question)
    return Query(question, " ".join([*_questions(history), *_named(history)]))


def leans(question: str) -> bool:
    """Whether a question cannot be understood alone.

    >>> leans("And in 2023?"), leans("Who wrote Hamlet?")
    (True, False)
    """
    # Only the first letter: IT is a department.
    if _OPENERS.match(question) or _POINTING.search(question[:1].lower() + question[1:]):
        return True
    if _FRAGMENT.match(question):
        return len(content(question)) <= _FRAGMENT_WORDS
    return bool(_ASKING.match(question)) and len(question.split()) <= _FRAGMENT_WORDS


def _questions(history: Sequence[Message]) -> list[str]:
    """The last question, and those before it as far as each leans on the one before."""
    asked = [message.content for message in history if message.role == "user"][-_EARLIER:]
    first = next((at for at in range(len(asked) - 1, 0, -1) if not leans(asked[at])), 0)
    return asked[first:]


def _named(history: Sequence[Message]) -> list[str]:
    """Names and numbers of the last answer: what a pronoun is likely to stand for."""
    answers = [message.content for message in history if message.role == "assistant"]
    words = content(without_marks(answers[-1])) if answers else []
    named = (word for word in words if word[0].isupper() or any(map(str.isdigit, word)))
    return list(named)[:_NAMES]
