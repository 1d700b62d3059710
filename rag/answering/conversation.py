"""What to search for when a question leans on what was said before: messages in, a query out.

No model is called. A question leans when it says so: it opens like a continuation, points back with
a pronoun, or is a mere fragment; English and Romanian. Any other question is a new topic, and is
searched and asked alone. Knows nothing of indexes and prompts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering import sentences
from rag.answering.citations import without_marks
from rag.answering.grounding import content
from rag.types import Message, Query, Role

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
_WORD = re.compile(r"[^\W_]+")
_OVERVIEW = re.compile(
    r"summar\w*|overview|about|gist|tl|dr|outline|abstract|key|main|rezum\w*|sintetiz\w*|despre"
    r"|principal\w*|esen[tț]\w*",
    re.IGNORECASE,
)
_DOCUMENTS = re.compile(
    r"documents?|files?|pdfs?|texts?|pages?|papers?|reports?|articles?|document\w*|fi[sș]ier\w*"
    r"|text\w*|raport\w*|articol\w*",
    re.IGNORECASE,
)
_ABOUT_DOCUMENTS = re.compile(
    rf"{_OVERVIEW.pattern}|{_DOCUMENTS.pattern}|it|this|that|these|those|them|the|a|an|all|of|in|for|me|my|i|uploaded|what|is|are|give|write|make"
    r"|tell|please|can|could|you|short|brief\w*|quick\w*|points?|ideas?|topics?|contents?|messages?"
    r"|say|s|whole|acest\w*"
    r"|este|e|ce|care|sunt|de|al|a|ale|mi|îmi|fă|fa|scrie|un|o|scurt\w*|te|rog|idei\w*|puncte\w*"
    r"|vorba|vorbește|vorbeste|pe|și|si|and|to|with|in|în|câteva|few|some|sentences?|words?",
    re.IGNORECASE,
)
_FRAGMENT_WORDS = 2  # content words a fragment may have
_EARLIER = 3  # questions looked back at, while each leans on the one before
_COPIED_WORDS = 4  # fewer may well be said anew: "Yes, it is."
_NAMES = 12  # names and numbers taken from the last answer


def query(question: str, history: Sequence[Message]) -> Query:
    """The question and, if it leans on it, its background: what was asked and named before."""
    turns = earlier(question, history)
    return Query(question, " ".join([*_contents(turns, "user"), *_named(turns)]))


def asks_for_overview(question: str) -> bool:
    """Whether it is about a document as a whole, and so shares no word with it.

    >>> asks_for_overview("Summarise this document."), asks_for_overview("Summarise chapter two.")
    (True, False)
    """
    words = _WORD.findall(question)
    return any(map(_OVERVIEW.fullmatch, words)) and all(map(_ABOUT_DOCUMENTS.fullmatch, words))


def names_documents(question: str) -> bool:
    """Whether it says so, and does not just point at what was talked about before.

    >>> names_documents("What is this document about?"), names_documents("What is it about?")
    (True, False)
    """
    return any(map(_DOCUMENTS.fullmatch, _WORD.findall(question)))


def whole(question: str, turns: Sequence[Message]) -> str:
    """The question after those it leans on, which is how a small model takes up their subject."""
    return " ".join([*_contents(turns, "user"), question])


def earlier(question: str, history: Sequence[Message]) -> tuple[Message, ...]:
    """The turns a question leans on, oldest first: the last, and on while they lean as well.

    Nothing for a question that stands alone: there, earlier turns only distract a small model.
    """
    if not leans(question):
        return ()
    asked = [at for at, message in enumerate(history) if message.role == "user"][-_EARLIER:]
    alone = [at for at in asked[1:] if not leans(history[at].content)]
    starts = [*asked[:1], *alone] or [0]
    return tuple(history[starts[-1] :])


def without_repetition(text: str, turns: Sequence[Message]) -> str:
    """``text`` without the earlier answers that it begins with, where it goes on to say more.

    >>> said = Message("assistant", "The sky is blue by day [1].")
    >>> without_repetition("The sky is blue by day. At night it is black.", [said])
    'At night it is black.'
    """
    said = {
        _plain(answer[slice(*span)])
        for answer in _contents(turns, "assistant")
        for span in sentences.spans(answer)
    }
    copied = 0
    for start, end in sentences.spans(text):
        sentence = _plain(text[start:end])
        if sentence not in said or len(sentence.split()) < _COPIED_WORDS:
            return text[copied:].lstrip() if copied else text
        copied = end
    return text


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


def _plain(sentence: str) -> str:
    return " ".join(without_marks(sentence).split())


def _contents(turns: Sequence[Message], role: Role) -> list[str]:
    return [message.content for message in turns if message.role == role]


def _named(turns: Sequence[Message]) -> list[str]:
    """Names and numbers of the last answer: what a pronoun is likely to stand for."""
    answers = _contents(turns, "assistant")
    words = content(without_marks(answers[-1])) if answers else []
    named = (word for word in words if word[0].isupper() or any(map(str.isdigit, word)))
    return list(named)[:_NAMES]
