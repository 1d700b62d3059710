"""All that is known of the ``openai`` library: how a client is made, and what its errors mean.

In go a server and a key, or an exception; out come a client, or an error of our own tree. It knows
nothing of prompts, streams or retries. Importing it imports ``openai``, which takes a second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from rag.errors import (
    ContextTooLong,
    ModelBusy,
    ModelError,
    ModelNotFound,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    ModelUnreachable,
)
from rag.models.breaker import Refusal

# ValueError: what a server sent is not UTF-8, or not JSON. OSError: its certificates are missing.
FAILURES = (openai.OpenAIError, ValueError, OSError)

_NO_KEY = "none"  # the library insists on a key; servers without keys ignore it

_TOO_LONG = re.compile(
    r"context[ _-]?(length|size|window|overflow)|exceed_context|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_NO_QUOTA = re.compile(r"quota|billing|credit", re.IGNORECASE)
# 503 means overloaded to some servers, and still loading, or broken, to others.
_BUSY = re.compile(r"busy|overload|queue|pending|capacity|slot|rate.?limit", re.IGNORECASE)
_QUOTED_LENGTH = 200


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
    return isinstance(exc, openai.APIConnectionError) and not _is_garbled(exc)


def is_passing(exc: Exception) -> bool:
    """Whether the same request may well succeed in a moment."""
    if isinstance(exc, openai.APITimeoutError):
        return False  # the person has waited long enough
    if isinstance(exc, openai.RateLimitError):
        return not _NO_QUOTA.search(_said(exc))
    return is_unreachable(exc) or isinstance(exc, openai.InternalServerError)


def _is_garbled(exc: Exception) -> bool:
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
    said = _said(exc)
    if _TOO_LONG.search(said):
        return None  # such a message may well name max_tokens
    return next((name for name in sorted(sent) if re.search(rf"\b{name}\b", said)), None)


# --- what to tell a person


def translated(exc: Exception, server: Server, *, begun: bool = False) -> ModelError:
    """Our error for one of FAILURES; ``begun``: part of the answer had already arrived."""
    if _TOO_LONG.search(_said(exc)):
        return ContextTooLong(
            f"The question with its passages does not fit the context of {server.model}. "
            "Use fewer passages or a smaller context budget."
        )
    if begun and is_unreachable(exc):
        return ModelUnavailable(
            f"The connection to {server.address} broke before the answer was complete. Ask again."
        )
    return unreadable(exc, server) if _is_garbled(exc) else meaning(type(exc))(exc, server)


def cause(exc: Exception, server: Server) -> Exception | None:
    """``exc`` to raise from, unless a server's words in it would carry the key into a log."""
    return None if server.api_key and server.api_key in str(exc) else exc


def meaning(failure: type[Exception]) -> Callable[[Exception, Server], ModelError]:
    return next(_MEANING[kind] for kind in failure.__mro__ if kind in _MEANING)


def unreadable(_: Exception | None, server: Server) -> ModelError:
    return ModelUnavailable(
        f"What {server.address} sent cannot be read as an answer. Check that it is the address of "
        "an OpenAI-compatible server (most end in /v1), and look at the server's log."
    )


def left_alone(refusal: Refusal, server: Server) -> ModelError:
    """For a request that was not sent, because those before it were in vain."""
    if refusal.again_in_s:
        when = f"It is tried again in {math.ceil(refusal.again_in_s)} seconds."
    else:
        when = "It is being tried again now."
    return ModelUnreachable(
        f"{server.address} has not answered for {refusal.silent_s:.0f} seconds, so it was not "
        f"asked. {when} Start the server meanwhile, or choose another model."
    )


def _unreachable(_: Exception, server: Server) -> ModelError:
    return ModelUnreachable(
        f"Nothing answers at {server.address}. Start the server, or choose another model."
    )


def _no_connection(_: Exception, server: Server) -> ModelError:
    return ModelTimeout(
        f"{server.address} did not accept a connection in time. Check that the server runs and "
        "that the address is right, or raise RAG_CONNECT_TIMEOUT_S."
    )


def _silent(_: Exception, server: Server) -> ModelError:
    return ModelTimeout(
        f"{server.address} accepts connections but does not say what it offers. Restart the "
        "server, or choose another model."
    )


def _wrong_key(_: Exception, server: Server) -> ModelError:
    return ModelRefused(
        f"{server.address} wants another key. Set OPENAI_API_KEY, which is sent to https addresses "
        "that are not on this machine, or write the key before the host: http://KEY@host/v1#model."
    )


def _not_found(_: Exception, server: Server) -> ModelError:
    if server.listed and server.model not in server.listed:
        offered = ", ".join(server.listed[:10])
        return ModelNotFound(f"{server.address} has no model {server.model}. It offers: {offered}.")
    return ModelNotFound(
        f"{server.address} has no model {server.model}, or is not the address of a chat "
        "(most end in /v1). Check both."
    )


def _busy(exc: Exception, server: Server) -> ModelError:
    if _NO_QUOTA.search(_said(exc)):
        return ModelRefused(
            f"The account at {server.address} has no quota left. Choose another model."
        )
    wait_s = retry_after_s(exc)
    when = f"in {math.ceil(wait_s)} seconds" if wait_s else "in a moment"
    return ModelBusy(
        f"{server.model} at {server.address} has more to do than it can take. Ask again {when}."
    )


def _failed(exc: Exception, server: Server) -> ModelError:
    if _BUSY.search(_said(exc)):
        return _busy(exc, server)
    return ModelUnavailable(
        f"{server.address} failed{_quoted(exc, server)} "
        "Look at the server's log, or choose another model."
    )


def _refused(exc: Exception, server: Server) -> ModelError:
    if isinstance(exc, openai.APIStatusError) and exc.response.is_redirect:
        return ModelUnavailable(
            f"{server.address} points to another address. Write that one in the setting."
        )
    return ModelRefused(
        f"{server.address} refused the request{_quoted(exc, server)} "
        "Change the question or the settings, or choose another model."
    )


def _broken_off(exc: Exception, server: Server) -> ModelError:
    if _BUSY.search(_said(exc)):
        return _busy(exc, server)
    return ModelUnavailable(
        f"{server.address} gave up on the answer{_quoted(exc, server)} Ask again."
    )


_MEANING: Mapping[type[Exception], Callable[[Exception, Server], ModelError]] = {
    openai.AuthenticationError: _wrong_key,
    openai.PermissionDeniedError: _wrong_key,
    openai.NotFoundError: _not_found,
    openai.ConflictError: _busy,
    openai.RateLimitError: _busy,
    openai.InternalServerError: _failed,
    openai.BadRequestError: _refused,
    openai.UnprocessableEntityError: _refused,
    openai.APIStatusError: _refused,
    openai.LengthFinishReasonError: _refused,
    openai.ContentFilterFinishReasonError: _refused,
    openai.APITimeoutError: _no_connection,
    openai.APIConnectionError: _unreachable,
    openai.WebSocketConnectionClosedError: _unreachable,
    openai.WebSocketQueueFullError: _unreachable,
    openai.APIResponseValidationError: unreadable,
    openai.APIError: _broken_off,  # bare: it came inside a stream
    openai.OpenAIError: _refused,  # what is left: other ways of signing in, which we do not use
    ValueError: unreadable,
    TimeoutError: _silent,  # of a page, see connection.py
    OSError: _unreachable,
}


def _message(exc: Exception) -> str:
    """What the server wrote for people, whichever way it wraps it."""
    body = exc.body if isinstance(exc, openai.APIError) else None
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail")
    return body if isinstance(body, str) else ""


def _said(exc: Exception) -> str:
    """All that the server said, for matching: code, type and message."""
    if not isinstance(exc, openai.APIError):
        return ""
    return " ".join(str(part) for part in (exc.code, exc.type, _message(exc)) if part)


def _quoted(exc: Exception, server: Server) -> str:
    """The server's message, fit to be shown: one line, short, without the key."""
    message = _message(exc)
    if server.api_key:
        message = message.replace(server.api_key, "…")
    line = " ".join(message.split())[:_QUOTED_LENGTH].rstrip(".")
    return f": “{line}”." if line else "."
