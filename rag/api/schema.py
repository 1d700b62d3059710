"""A chat request as OpenAI's clients send it: bytes in, a checked value out.

Fields we do not know are ignored, as are those that change nothing here (docs/api.md lists both);
those that would have to change the answer and cannot are refused.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.api.errors import ApiError
from rag.types import Message, Mode

ModelName = Literal["rag-auto", "rag-slm", "rag-llm", "rag-refine"]
NAMES: tuple[ModelName, ...] = get_args(ModelName)
MODES: dict[str, Mode] = {
    "rag-auto": "auto",
    "rag-slm": "slm",
    "rag-llm": "llm",
    "rag-refine": "refine",
}
_INSTEAD = {
    "n": "One answer is given to a question. Leave n out.",
    "logprobs": "Log probabilities are not given. Leave logprobs out.",
    "response_format": "Answers are text. Leave response_format out.",
    "tool_choice": "No tools are called. Leave tool_choice out.",
}
_NO_QUESTION = "There is no message of the user to answer. Send one that holds a question."
_NO_TEXT = "Only text can be asked, no images, sound or files. Send the question as text."


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Part(Lenient):
    """A piece of a message; only those of type ``text`` are read."""

    type: str
    text: str | None = None


class ChatMessage(Lenient):
    """Instructions of ``system`` and ``developer``, and what tools said, are not read."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""

    @property
    def is_text(self) -> bool:
        parts = self.content if isinstance(self.content, list) else []
        return all(part.type == "text" for part in parts)


class StreamOptions(Lenient):
    include_usage: bool | None = None


class ResponseFormat(Lenient):
    type: Literal["text"]


class ChatRequest(Lenient):
    model: Annotated[str, Field(json_schema_extra={"enum": [*NAMES]})]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    stop: Annotated[str, Field(min_length=1)] | Stops | None = None
    user: str | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    response_format: ResponseFormat | None = None
    tool_choice: Literal["none", "auto"] | None = None

    @property
    def mode(self) -> Mode:
        """Raises ApiError for a model that is not there."""
        if self.model not in MODES:
            names = ", ".join(NAMES)
            raise ApiError(
                404,
                f"There is no model {self.model}. There are {names}.",
                "model_not_found",
                "model",
            )
        return MODES[self.model]

    @property
    def question(self) -> str:
        """The last message of the user. Raises ApiError when it holds no text alone."""
        asked = self.messages[self._asked_at()]
        if not asked.is_text:
            raise ApiError(400, _NO_TEXT, "unsupported_content", "messages")
        if not asked.text.strip():
            raise ApiError(400, _NO_QUESTION, "no_question", "messages")
        return asked.text.strip()

    @property
    def history(self) -> tuple[Message, ...]:
        """What the user and we have said before the question."""
        earlier = self.messages[: self._asked_at()]
        return tuple(
            Message(message.role, message.text)
            for message in earlier
            if message.role in {"user", "assistant"} and message.text.strip()
        )

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """At the end of a stream."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def _asked_at(self) -> int:
        users = [at for at, message in enumerate(self.messages) if message.role == "user"]
        if not users:
            raise ApiError(400, _NO_QUESTION, "no_question", "messages")
        return users[-1]


Stops = Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)]


def parsed(body: bytes) -> ChatRequest:
    """Raises ApiError about the first thing that is wrong."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else None
    where = ".".join(str(part) for part in first["loc"]) or "The request"
    sentence = _INSTEAD.get(name or "") or f"{where}: {first['msg']}."
    raise ApiError(400, sentence, "invalid_request", name)
