"""The ``openai`` library: how a client is made, and what may be done about its failures.

In go a server and a key, or an exception; out come a client, or what the exception tells. It knows
nothing of prompts, streams or retries, nor what a person is told (meanings.py). Importing it
imports ``openai``, which takes a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

# ValueError: what a server sent is not UTF-8, or not JSON. OSError: its certificates are missing.
FAILURES = (openai.OpenAIError, ValueError, OSError)

_NO_KEY = "none"  # the library insists on a key; servers without keys ignore it

TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window|overflow)|exceed_context|too many tokens|prompt is too long",
    re.IGNORECASE,
)
NO_QUOTA = re.compile(r"quota|billing|credit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """Whom we talk to."""

    base_url: str
    model: str
    listed: Sequence[str] = ()  # the models it offers, when known
    api_key: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The address as a person may see it."""
        return re.sub("//[^/]*@", "//", self.base_url)


def client(server: Server, connect_s: float, *, use_proxy: bool) -> openai.AsyncOpenAI:
    """A client that neither retries nor follows redirects: where a prompt goes is for us to say.

    On this machine each request has a connection of its own, which costs a tenth of a millisecond:
    llama.cpp's server closes one that it promised to keep, often just when it is used again.
    """
    http_client = openai.DefaultAsyncHttpx2Client(
        timeout=openai.Timeout(None, connect=connect_s),
        follow_redirects=False,
        trust_env=use_proxy,
    )
    return openai.AsyncOpenAI(
        base_url=server.base_url,
        api_key=server.api_key or _NO_KEY,
        default_headers=None if use_proxy else {"Connection": "close"},
        max_retries=0,
        http_client=http_client,
    )


# --- what to do about an error


def is_unreachable(exc: Exception) -> bool:
    return isinstance(exc, openai.APIConnectionError) and not is_garbled(exc)


def is_passing(exc: Exception) -> bool:
    """Whether the same request may well succeed in a moment."""
    if isinstance(exc, openai.APITimeoutError):
        return False  # the person has waited long enough
    if isinstance(exc, openai.RateLimitError):
        return not NO_QUOTA.search(said(exc))
    return is_unreachable(exc) or isinstance(exc, openai.InternalServerError)


def is_garbled(exc: Exception) -> bool:
    """Whether something came, but not in the encoding that it says."""
    return isinstance(exc.__cause__, httpx2.DecodingError)


def retry_after_s(exc: Exception) -> float | None:
    """Seconds the server asks to wait; None when it does not say."""
    if not isinstance(exc, openai.APIStatusError):
        return None
    asked = exc.response.headers.get("retry-after", "")
    try:
        wait_s = float(asked)
    except ValueError:
        wait_s = _seconds_until(asked)
    return max(0.0, wait_s) if math.isfinite(wait_s) else None


def _seconds_until(date: str) -> float:
    """The other form of Retry-After (RFC 9110, 10.2.3); not a number when it is none."""
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return math.nan


def refused_option(exc: Exception, sent: Collection[str]) -> str | None:
    """Which of the options we ``sent`` is the one that the server refuses."""
    if not isinstance(exc, openai.BadRequestError | openai.UnprocessableEntityError):
        return None
    if exc.param in sent:
        return exc.param
    words = said(exc)
    if TOO_LONG.search(words):
        return None  # such a message may well name max_tokens
    return next((name for name in sorted(sent) if re.search(rf"\b{name}\b", words)), None)


def message(exc: Exception) -> str:
    """What the server wrote for people, whichever way it wraps it."""
    body = exc.body if isinstance(exc, openai.APIError) else None
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail")
    return body if isinstance(body, str) else ""


def said(exc: Exception) -> str:
    """All that the server said, for matching: code, type and message."""
    if not isinstance(exc, openai.APIError):
        return ""
    return " ".join(str(part) for part in (exc.code, exc.type, message(exc)) if part)
