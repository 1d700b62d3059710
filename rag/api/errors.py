"""Refusals in OpenAI's shape: errors of ours in, HTTP statuses and bodies out."""

from __future__ import annotations

from starlette.responses import JSONResponse

from rag import errors
from rag.errors import (
    ContextTooLong,
    LibraryError,
    ModelBusy,
    ProgramEnding,
    RagError,
    SearchError,
    TooManyTurns,
)
from rag.models.embedded import protocol
from rag.types import Failed

_SERVER_ERROR, _TOO_MANY, _UNAVAILABLE = 500, 429, 503
_TRY_AGAIN_S = 1
_BACK_S = 10  # an update, or another process behind the same address
_BUG = "The server failed; its log says why."


class ApiError(Exception):
    """Its text is a sentence for whoever wrote the request. ``param`` names what is wrong in it."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        wait_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.wait_s = wait_s  # before it is worth another try

    @property
    def body(self) -> protocol.JSON:
        return protocol.error(str(self), _kind(self.status), self.code, self.param)

    def response(self) -> JSONResponse:
        headers = {} if self.wait_s is None else {"Retry-After": str(self.wait_s)}
        if self.status == 401:  # noqa: PLR2004
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body, self.status, headers)


def refused(exc: RagError) -> ApiError:
    """What to answer when ``exc`` ends a request."""
    if isinstance(exc, TooManyTurns):
        wait_s = _TRY_AGAIN_S if exc.wait_s is None else exc.wait_s
        return ApiError(_TOO_MANY, str(exc), "rate_limit_exceeded", wait_s=wait_s)
    if isinstance(exc, ProgramEnding):
        return ApiError(_UNAVAILABLE, str(exc), "server_ending", wait_s=_BACK_S)
    return _of_class(type(exc), str(exc))


def failed(end: Failed) -> ApiError:
    """What to answer to a turn that failed: its last error decides."""
    name = end.errors[-1] if end.errors else ""
    return _of_class(vars(errors).get(name, RagError), end.message)


def bug() -> ApiError:
    return ApiError(_SERVER_ERROR, _BUG, "internal_error")


def _of_class(kind: type[RagError], message: str) -> ApiError:
    if issubclass(kind, ContextTooLong):
        return ApiError(400, message, "context_length_exceeded", "messages")
    if issubclass(kind, ModelBusy):
        return ApiError(_TOO_MANY, message, "queue_full", wait_s=_TRY_AGAIN_S)
    if issubclass(kind, LibraryError | SearchError):
        return ApiError(_SERVER_ERROR, message, "library_failed")
    return ApiError(_UNAVAILABLE, message, "model_unavailable", wait_s=_TRY_AGAIN_S)


def _kind(status: int) -> str:
    if status >= _SERVER_ERROR:
        return "server_error"
    return "rate_limit_error" if status == _TOO_MANY else "invalid_request_error"
