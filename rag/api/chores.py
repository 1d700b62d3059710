"""What Open WebUI asks beside every question: a title, tags, follow-ups, searches.

It asks in a prompt of its own, as if it were the user. Such a prompt is no question about the
documents, and a model's time is worth more than a title: it is answered here, from the
conversation it quotes. So no prompt leads around the documents.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

_CHORE = re.compile(
    r'\s*### Task:\n.*?"(?P<key>title|tags|follow_ups|queries|text)"\s*:', re.DOTALL
)
_SAID = re.compile(r"<chat_history>(.*?)(?:</chat_history>|\Z)", re.DOTALL)
_FIRST = re.compile(r"USER:\s*(.*?)(?=\n(?:ASSISTANT|USER):|\Z)", re.DOTALL)
_TITLE_LETTERS = 60


def answered(prompt: str) -> str | None:
    """What to reply to such a prompt, as the JSON it asks for; None for anything else.

    >>> answered('### Task:\\nTitle it: { "title": "…" }<chat_history>USER: Oil?</chat_history>')
    '{"title": "Oil?"}'
    """
    chore = _CHORE.match(prompt)
    if chore is None:
        return None
    replies: dict[str, Any] = {"title": _title(prompt), "text": ""}
    return json.dumps({chore["key"]: replies.get(chore["key"], [])}, ensure_ascii=False)


def _title(prompt: str) -> str:
    """The question that the conversation begins with."""
    said = _SAID.search(prompt)
    first = _FIRST.search(said[1]) if said else None
    return textwrap.shorten(first[1], _TITLE_LETTERS, placeholder="…") if first else ""
