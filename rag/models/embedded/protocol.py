"""The shapes of OpenAI's chat protocol: requests checked, answers and errors built. No transport.

What OpenAI offers and we do not is refused by name: ignoring it would change an answer silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rag.errors import ContextTooLong, ModelBusy, ModelNotFound, ModelRefused
from rag.models.embedded.generation import Finish, GenerationRequest, Piece, Token
from rag.types import Message, Role

JSON = dict[str, Any]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
# The values that ask for nothing special.
_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "n": (None, 1),
    "top_logprobs": (None, 0),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "logit_bias": (None, {}),
    "response_format": (None, {"type": "text"}),
    "tools": (None, []),
    "functions": (None, []),
}


class _TextPart(BaseModel):
    type: Literal["text"]
    text: str


class _ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_TextPart]

    def message(self) -> Message:
        parts = self.content
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return Message(_ROLES[self.role], text)


class _StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str
    messages: Annotated[list[_ChatMessage], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    logprobs: bool | None = None

    @model_validator(mode="after")
    def _refuse_unsupported(self) -> ChatRequest:
        for name, value in (self.model_extra or {}).items():
            if name in _UNSUPPORTED and value not in _UNSUPPORTED[name]:
                raise ValueError(f"{name} is not supported by this server")
        return self

    def without_logprobs(self) -> ChatRequest:
        return self.model_copy(update={"logprobs": None})

    def generation(self) -> GenerationRequest:
        return GenerationRequest(
            messages=tuple(message.message() for message in self.messages),
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=1.0 if self.top_p is None else self.top_p,
            seed=self.seed,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
        )


def parsed(body: bytes) -> ChatRequest:
    """Raises ModelRefused with a sentence about the first thing that is wrong."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The request"
        raise ModelRefused(f"{where}: {first['msg']}.") from exc


# --- answers


def chunk(head: JSON, delta: JSON, logprobs: JSON | None = None, finish: str | None = None) -> JSON:
    """One event of a stream; ``head`` is what all of them share."""
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return head | {"object": "chat.completion.chunk", "choices": [choice]}


def chunks(head: JSON, piece: Piece | Finish, chat: ChatRequest) -> Iterator[JSON]:
    """The events that tell of ``piece``: none for half a character, two for the end with usage."""
    if isinstance(piece, Finish):
        yield chunk(head, {}, finish=piece.reason)
        if chat.stream_options is not None and chat.stream_options.include_usage:
            yield head | {
                "object": "chat.completion.chunk",
                "choices": [],
                "usage": _usage(piece),
            }
    elif piece.is_reasoning:
        yield chunk(head, {"reasoning_content": piece.text})
    elif piece.text or chat.logprobs:
        yield chunk(head, {"content": piece.text}, _logprobs([piece], chat))


def completion(head: JSON, pieces: Sequence[Piece], finish: Finish, chat: ChatRequest) -> JSON:
    message = {"role": "assistant", "content": _text(pieces, is_reasoning=False)}
    if reasoning := _text(pieces, is_reasoning=True):
        message["reasoning_content"] = reasoning
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(pieces, chat),
        "finish_reason": finish.reason,
    }
    return head | {"object": "chat.completion", "choices": [choice], "usage": _usage(finish)}


def _text(pieces: Sequence[Piece], *, is_reasoning: bool) -> str:
    return "".join(piece.text for piece in pieces if piece.is_reasoning is is_reasoning)


def _logprobs(pieces: Sequence[Piece], chat: ChatRequest) -> JSON | None:
    if not chat.logprobs:
        return None
    return {"content": [_logprob(piece.token) for piece in pieces if piece.token is not None]}


def _logprob(token: Token) -> JSON:
    return {
        "token": token.data.decode(errors="replace"),
        "logprob": token.logprob,
        "bytes": list(token.data),
        "top_logprobs": [],
    }


def _usage(finish: Finish) -> JSON:
    return {
        "prompt_tokens": finish.prompt_tokens,
        "completion_tokens": finish.completion_tokens,
        "total_tokens": finish.prompt_tokens + finish.completion_tokens,
    }


def model_list(name: str, context_tokens: int, logprobs: bool, created: int) -> JSON:
    """``context_length`` and ``capabilities`` are ours: a client need not try them out."""
    entry = {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "edge-rag-chat",
        "context_length": context_tokens,
        "capabilities": {"streams": True, "reports_usage": True, "logprobs": logprobs},
    }
    return {"object": "list", "data": [entry]}


# --- errors


def error(message: str, kind: str, code: str, param: str | None = None) -> JSON:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refusal(exc: Exception) -> tuple[int, JSON]:
    """HTTP status and body for an error of ours."""
    message = str(exc)
    match exc:
        case ContextTooLong():
            return 400, error(message, "invalid_request_error", "context_length_exceeded")
        case ModelRefused():
            return 400, error(message, "invalid_request_error", "invalid_request")
        case ModelNotFound():
            return 404, error(message, "invalid_request_error", "model_not_found")
        case ModelBusy():
            return 429, error(message, "rate_limit_error", "queue_full")
        case _:
            return 503, error(message, "server_error", "model_unavailable")
