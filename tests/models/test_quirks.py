"""What comes of every quirk that servers are known for: a reply all the same, or a sentence."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx2
import openai
import pytest
from asking import Connect, ask, failure
from scripted_server import MODEL, Scripted, ScriptedServer

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
from rag.models import meanings, wire
from rag.types import Delta, Reply

pytestmark = pytest.mark.anyio

# --- an answer all the same

ANSWER = ("In ", "Iași", ".")
FIGURES = (-0.5, -1.5, -0.25)
WHOLE = '{"choices": [{"message": {"content": "In Iași."}, "finish_reason": "stop"}]}'
CHUNK = f"data: {WHOLE}\n\n"
HARMONY = ("<|channel|>", "analysis", "<|message|>", "Hm", "<|end|>", "<|start|>", "assistant")
HARMONY += ("<|channel|>", "final", "<|message|>", "In Iași.", "<|return|>")

MENDED: dict[str, tuple[Scripted, Reply]] = {
    "null logprobs": (Scripted(ANSWER, "null"), Reply("In Iași.", MODEL, "stop", 10, 3)),
    "zero logprobs": (Scripted(ANSWER, [0.0] * 3), Reply("In Iași.", MODEL, "stop", 10, 3)),
    "no logprobs": (Scripted(ANSWER), Reply("In Iași.", MODEL, "stop", 10, 3)),
    "no usage": (Scripted(ANSWER, usage=None), Reply("In Iași.", MODEL, "stop")),
    "two ends": (
        Scripted(ANSWER, FIGURES, endings=2),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES),
    ),
    "no end": (Scripted(ANSWER, finish_reason=None), Reply("In Iași.", MODEL, "", 10, 3)),
    # That a prompt or an answer was cut is told by these figures alone: see rag/answering.
    "cut prompt": (Scripted(ANSWER, usage=(4, 3)), Reply("In Iași.", MODEL, "stop", 4, 3)),
    "false stop": (Scripted(ANSWER, usage=(10, 64)), Reply("In Iași.", MODEL, "stop", 10, 64)),
    "reasoning_content": (
        Scripted(ANSWER, FIGURES, reasoning=["Hm", "m."]),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES, "Hmm."),
    ),
    "reasoning": (
        Scripted(ANSWER, FIGURES, reasoning=["Hmm."], reasoning_field="reasoning"),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES, "Hmm."),
    ),
    "think tags": (
        Scripted(["<th", "ink>", "Hmm.", "</think>", "\n\n", "In Iași."], [-1, -2, -3, -4, -5, -6]),
        Reply("In Iași.", MODEL, "stop", 10, 3, (-6.0,), "Hmm."),
    ),
    "closing tag alone": (
        Scripted(["Hmm.", "</think>", "In Iași."], [-1, -2, -3]),
        Reply("In Iași.", MODEL, "stop", 10, 3, (-3.0,), "Hmm."),
    ),
    "channels of gpt-oss": (
        Scripted(HARMONY, [-1.0 * place for place in range(len(HARMONY))]),
        Reply("In Iași.", MODEL, "stop", 10, 3, (-10.0,), "Hm"),
    ),
    "all thinking": (
        Scripted(["<think>", "Hm"], [-1, -2], finish_reason="length"),
        Reply("", MODEL, "length", 10, 3, reasoning="Hm"),
    ),
    "keep-alive comments": (
        Scripted(ANSWER, keep_alives=100),
        Reply("In Iași.", MODEL, "stop", 10, 3),
    ),
    "open after the end": (
        Scripted(ANSWER, FIGURES, lingers=True),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES),
    ),
    "stuck after the end": (
        Scripted([], raw=CHUNK, then="stall"),
        Reply("In Iași.", MODEL, "stop"),
    ),
    "broken off after the end": (
        Scripted([], raw=CHUNK, then="disconnect"),
        Reply("In Iași.", MODEL, "stop"),
    ),
    "garbage after the end": (
        Scripted([], raw=CHUNK + "data: {not json\n\n"),
        Reply("In Iași.", MODEL, "stop"),
    ),
    "no stream": (
        Scripted(body=WHOLE, content_type="application/json; charset=utf-8"),
        Reply("In Iași.", MODEL, "stop"),
    ),
    "wrong content type": (
        Scripted(ANSWER, FIGURES, content_type="text/plain"),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES),
    ),
    "gzip": (
        Scripted(ANSWER, FIGURES, is_zipped=True),
        Reply("In Iași.", MODEL, "stop", 10, 3, FIGURES),
    ),
    "two-letter line ends": (
        Scripted(body=CHUNK.replace("\n", "\r\n")),
        Reply("In Iași.", MODEL, "stop"),
    ),
}


@pytest.mark.parametrize(("reply", "made"), MENDED.values(), ids=MENDED)
async def test_reply_is_made_of_what_there_is_when_a_server_has_this_quirk(
    scripted_server: ScriptedServer, connect: Connect, reply: Scripted, made: Reply
) -> None:
    scripted_server.script(reply)
    assert (await ask(connect()))[-1] == made
    assert len(scripted_server.history) == 1


async def test_others_go_on_when_a_chunk_is_huge(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.script(Scripted(["é" * 2_000_000, "<think>" * 300_000], keep_alives=3))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        events = await ask(connect())
        tasks.cancel_scope.cancel()
    assert [len(event.text) for event in events] == [2_000_000, 2_100_000, 4_100_000]
    assert turns > 100


async def test_odd_fields_are_passed_over_when_a_server_sends_them(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    odd = [
        "null",
        "5",
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": [{"delta": null, "logprobs": {"tokens": ["a"]}}]}',
        '{"choices": [{"delta": {"content": ["a"]}, "logprobs": {"content": [{}, 3]}}]}',
        '{"choices": [{"delta": {"content": "ok"}}], "usage": {"prompt_tokens": "many"}}',
    ]
    scripted_server.script(Scripted(body="".join(f"data: {chunk}\n\n" for chunk in odd)))
    assert await ask(connect()) == [Delta("ok"), Reply("ok", MODEL, "")]


# --- what a person is told


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Scripted(status=400), ModelRefused, "refused the request: “Scripted failure”."),
        (Scripted(status=401), ModelRefused, "wants another key"),
        (Scripted(status=403), ModelRefused, "wants another key"),
        (Scripted(status=404), ModelNotFound, "has no model scripted-model"),
        (Scripted(status=409), ModelBusy, "Ask again in a moment."),
        (Scripted(status=418), ModelRefused, "refused the request"),
        (Scripted(status=422), ModelRefused, "refused the request"),
        (Scripted(status=429, error={"code": "insufficient_quota"}), ModelRefused, "no quota left"),
        (Scripted(status=307, headers={"location": "/x"}), ModelUnavailable, "another address"),
        (
            Scripted(status=400, error={"code": "context_length_exceeded"}),
            ContextTooLong,
            "does not fit the context of scripted-model",
        ),
        (
            Scripted(
                status=400,
                error={"message": "'max_tokens' is too large. maximum context length is 64 tokens"},
            ),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted(status=400, error={"type": "exceed_context_size_error"}),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted([], raw='data: {"error": {"message": "Out of memory"}}\n\n'),
            ModelUnavailable,
            "gave up on the answer: “Out of memory”.",
        ),
        (
            Scripted([], raw='data: {"error": {"code": "context_length_exceeded"}}\n\n'),
            ContextTooLong,
            "does not fit",
        ),
        (
            Scripted([], raw='data: {"error": {"code": "queue_full", "message": "Full."}}\n\n'),
            ModelBusy,
            "more to do than it can take",
        ),
        (Scripted([], raw="data: {not json\n\n"), ModelUnavailable, "cannot be read"),
        (Scripted([], raw="data: \n\n"), ModelUnavailable, "cannot be read"),
        (Scripted(["a"], raw="data: [1,\n\n"), ModelUnavailable, "cannot be read"),
        (
            Scripted(["a"], raw=b'data: {"choices": [{"delta": {"content": "\xc8"}}]}\n\n'),
            ModelUnavailable,
            "cannot be read",
        ),
        (
            Scripted(["a"], headers={"content-encoding": "gzip"}),
            ModelUnavailable,
            "cannot be read",
        ),
        (Scripted(["a"], content_type="application/json"), ModelUnavailable, "cannot be read"),
        (
            Scripted(body="<html><p>Welcome", content_type="text/html"),
            ModelUnavailable,
            "cannot be read",
        ),
        (Scripted(body="<!-- no -->", content_type="application/json"), ModelUnavailable, "read"),
        (Scripted(body="", content_type="text/event-stream"), ModelUnavailable, "cannot be read"),
        (Scripted([], finish_reason=None), ModelUnavailable, "cannot be read"),
    ],
)
async def test_error_says_what_happened_when_the_server_fails(
    scripted_server: ScriptedServer,
    connect: Connect,
    reply: Scripted,
    kind: type[ModelError],
    said: str,
) -> None:
    scripted_server.script(reply)
    error = await failure(connect())
    assert type(error) is kind
    assert said in str(error)
    assert len(scripted_server.history) == 1
    assert error.__cause__ is not None or "cannot be read" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "quoted"),
    [(500, "out\nof memory.", "out of memory"), (503, "Loading model", "Loading model")],
)
async def test_server_error_is_quoted_when_repeating_did_not_help(
    scripted_server: ScriptedServer, connect: Connect, status: int, message: str, quoted: str
) -> None:
    scripted_server.fallback = Scripted(status=status, error={"message": message})
    error = await failure(connect())
    assert type(error) is ModelUnavailable
    assert f"failed: “{quoted}”. Look at the server's log" in str(error)


async def test_offered_models_are_named_when_the_wanted_one_is_missing(
    scripted_server: ScriptedServer, connect: Connect
) -> None:
    scripted_server.fallback = Scripted(status=404)
    error = await failure(connect("gpt-9"))
    assert f"has no model gpt-9. It offers: {MODEL}." in str(error)


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(below) for below in kind.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(subclasses(openai.OpenAIError), key=lambda k: k.__name__))
def test_every_error_of_the_library_has_a_meaning_when_raised(kind: type) -> None:
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    response = httpx2.Response(400, request=request)
    exc = kind.__new__(kind)
    exc.__dict__ |= {"response": response, "request": request, "body": None, "message": ""}
    exc.__dict__ |= {"code": None, "type": None, "status_code": 400}
    error = meanings.translated(exc, wire.Server("http://127.0.0.1/v1", "m"))
    assert isinstance(error, ModelError)
    assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (openai.BadRequestError, ModelRefused),
        (openai.AuthenticationError, ModelRefused),
        (openai.OAuthError, ModelRefused),
        (openai.PermissionDeniedError, ModelRefused),
        (openai.NotFoundError, ModelNotFound),
        (openai.ConflictError, ModelBusy),
        (openai.UnprocessableEntityError, ModelRefused),
        (openai.RateLimitError, ModelBusy),
        (openai.InternalServerError, ModelUnavailable),
        (openai.APIStatusError, ModelRefused),
        (openai.APIConnectionError, ModelUnreachable),
        (openai.APITimeoutError, ModelTimeout),
        (openai.APIResponseValidationError, ModelUnavailable),
        (openai.APIError, ModelUnavailable),
        (openai.LengthFinishReasonError, ModelRefused),
        (openai.ContentFilterFinishReasonError, ModelRefused),
        (openai.WebSocketConnectionClosedError, ModelUnreachable),
        (openai.OpenAIError, ModelRefused),
    ],
)
def test_meaning_is_the_right_one_when_an_error_is_of_a_class(
    kind: type[Exception], meaning: type[ModelError]
) -> None:
    exc = kind.__new__(kind)
    exc.__dict__ |= {"body": None, "code": None, "type": None, "message": ""}
    if issubclass(kind, openai.APIStatusError):
        exc.response = httpx2.Response(400)
    assert type(meanings.meaning(kind)(exc, wire.Server("http://h/v1", "m"))) is meaning
