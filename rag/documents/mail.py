"""Mail (.eml), from bytes to one page of Markdown: subject, who, when, and the text.

Attachments are named, not read: each is a file of its own, with limits of its own.
"""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from rag.documents.assembly import listed
from rag.documents.encodings import decode
from rag.documents.markup import web_page

_HEAD = ("From", "To", "Cc", "Date")


class Mail:
    """A mail; raises whatever the standard library raises."""

    page_count = 1

    def __init__(self, data: bytes) -> None:
        message = email.message_from_bytes(data, policy=email.policy.default)
        head = [f"{name}: {value}" for name in _HEAD if (value := _header(message, name))]
        subject = _header(message, "Subject")
        parts = [f"# {subject}" if subject else "", "\n".join(head), _body(message)]
        self._text = "\n\n".join(part for part in parts if part)
        self.note = _unread([_named(part) for part in message.iter_attachments()])

    def text(self, number: int) -> str:
        return self._text


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except Exception:  # the standard library raises anything on headers that are malformed
        value = next((raw for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(value.split())


def _body(message: EmailMessage) -> str:
    """The plain text of a mail, or else its web page."""
    for wanted in ("plain", "html"):
        part = message.get_body(preferencelist=(wanted,))
        if part is None:
            continue
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and data.strip():
            charset = part.get_content_charset("")
            return decode(data, charset) if wanted == "plain" else web_page(data, charset)
    return ""


def _named(part: EmailMessage) -> str:
    return " ".join((part.get_filename() or f"a part of type {part.get_content_type()}").split())


def _unread(attachments: list[str]) -> str:
    if not attachments:
        return ""
    what, them = ("Attachment", "it") if len(attachments) == 1 else ("Attachments", "them")
    return f"{what} not read: {listed(attachments)}. Save {them} and add {them}."
