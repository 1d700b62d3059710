"""What the failures of a model server mean. In goes an exception; out comes an error of our own
tree, whose text says to a person what happened and what to do.

It is the one place where errors of ``openai`` become ours. What to do about them is not known here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

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
from rag.models import wire
from rag.models.breaker import Refusal
from rag.models.providers import variable_of
from rag.models.wire import Server

# 503 means overloaded to some servers, and still loading, or broken, to others.
_BUSY = re.compile(r"busy|overload|queue|pending|capacity|slot|rate.?limit", re.IGNORECASE)
_QUOTED_LENGTH = 200


def translated(exc: Exception, server: Server, *, begun: bool = False) -> ModelError:
    """Our error for one of FAILURES; ``begun``: part of the answer had already arrived."""
    if wire.TOO_LONG.search(wire.said(exc)):
        return ContextTooLong(
            f"The question with its passages does not fit the context of {server.model}. "
            "Use fewer passages or a smaller context budget."
        )
    if begun and wire.is_unreachable(exc):
        return ModelUnavailable(
            f"The connection to {server.address} broke before the answer was complete. Ask again."
        )
    return unreadable(exc, server) if wire.is_garbled(exc) else meaning(type(exc))(exc, server)


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
    general = "OPENAI_API_KEY, which is sent to https addresses that are not on this machine,"
    return ModelRefused(
        f"{server.address} wants another key. Set {variable_of(server.address) or general} or "
        "write the key before the host: http://KEY@host/v1#model."
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
    if wire.NO_QUOTA.search(wire.said(exc)):
        return ModelRefused(
            f"The account at {server.address} has no quota left. Choose another model."
        )
    wait_s = wire.retry_after_s(exc)
    when = f"in {math.ceil(wait_s)} seconds" if wait_s else "in a moment"
    return ModelBusy(
        f"{server.model} at {server.address} has more to do than it can take. Ask again {when}."
    )


def _failed(exc: Exception, server: Server) -> ModelError:
    if _BUSY.search(wire.said(exc)):
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
    if _BUSY.search(wire.said(exc)):
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


def _quoted(exc: Exception, server: Server) -> str:
    """The server's message, fit to be shown: one line, short, without the key."""
    message = wire.message(exc)
    if server.api_key:
        message = message.replace(server.api_key, "…")
    line = " ".join(message.split())[:_QUOTED_LENGTH].rstrip(".")
    return f": “{line}”." if line else "."
