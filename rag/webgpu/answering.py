"""A prompt that the page has put together in, the answer of one of this server's models out.

Nothing is searched for here: the page's documents never come, only what it quotes of them. Chunks
are OpenAI's; the last has the usage and why it ended.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import ModelRefused, RagError
from rag.models.chat import ChatModel
from rag.types import Delta, GenerationOptions, Message, Reply, Tier

JSON = dict[str, Any]

MAX_BODY_BYTES = 1_000_000
_REMOTE = (
    "{model} runs on another machine ({reach}), and what you ask would be sent there. Allow it for "
    "this page, or set RAG_ALLOW_REMOTE where the program runs."
)


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(max_length=200_000)]


class Asked(BaseModel):
    """What POST answer takes."""

    model_config = ConfigDict(extra="forbid")

    tier: Tier
    messages: Annotated[list[_Said], Field(min_length=1, max_length=64)]
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 512
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    allow_remote: bool = False

    @property
    def prompt(self) -> list[Message]:
        return [Message(one.role, one.content) for one in self.messages]

    @property
    def options(self) -> GenerationOptions:
        return GenerationOptions(self.max_tokens, self.temperature)


@dataclass(frozen=True, slots=True)
class TierModel:
    """One of this server's models, as it stands now."""

    model: ChatModel
    is_ready: bool  # a question is answered, though it may be loaded first
    note: str  # a sentence


def parsed(body: bytes) -> Asked:
    """Raises ModelRefused with a sentence about the first thing that is wrong."""
    try:
        return Asked.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "The request"
        raise ModelRefused(f"{where}: {first['msg']}.") from exc


def tier_json(found: TierModel | None) -> JSON | None:
    if found is None:
        return None
    model = found.model
    return {"model": model.name, "reach": model.reach, "ready": found.is_ready, "note": found.note}


def check_reach(model: ChatModel, *, is_allowed: bool) -> None:
    """Raises ModelRefused where a prompt would leave this machine unasked."""
    if model.reach != "machine" and not is_allowed:
        reach = "in your network" if model.reach == "network" else "a service in the cloud"
        raise ModelRefused(_REMOTE.format(model=model.name, reach=reach))


async def events(
    model: ChatModel, asked: Asked, turn: AbstractAsyncContextManager[None]
) -> AsyncGenerator[str, None]:
    """Server-sent events, once it is this person's ``turn``. Closing it ends generation and frees
    the model's slot."""
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model.name,
    }
    try:
        async with turn, aclosing(model.stream(asked.prompt, asked.options)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    yield event(head | _end(piece))
                elif piece.text or piece.reasoning:
                    yield event(head | {"choices": [_choice(_delta(piece))]})
        yield "data: [DONE]\n\n"
    except RagError as exc:  # too late for a status
        yield event(error_json(str(exc)))


def event(told: JSON) -> str:
    return f"data: {json.dumps(told, ensure_ascii=False, separators=(',', ':'))}\n\n"


def error_json(sentence: str) -> JSON:
    return {"error": {"message": sentence}}


def _delta(piece: Delta) -> JSON:
    told = {"content": piece.text, "reasoning_content": piece.reasoning}
    return {name: text for name, text in told.items() if text}


def _end(reply: Reply) -> JSON:
    counted = {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }
    usage = {name: tokens for name, tokens in counted.items() if tokens is not None}
    return {"choices": [_choice({}, reply.finish_reason)], "usage": usage or None}


def _choice(delta: JSON, finish_reason: str | None = None) -> JSON:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}
