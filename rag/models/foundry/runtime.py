"""A loaded model of Foundry Local: messages in, pieces of an answer out. It knows neither queue nor
HTTP.

Each request has a session of its own, because a session remembers its turns; sessions share the
model and run side by side. Native code runs without Python's lock.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rag.errors import ModelRefused, ModelUnavailable
from rag.models.embedded.generation import Finish, FinishReason, GenerationRequest, Piece, Prompt
from rag.models.embedded.template import TurnGuard
from rag.models.embedded.text import TextStream
from rag.models.foundry import sdk
from rag.models.foundry.folder import control_tokens
from rag.models.foundry.source import Source
from rag.types import Message

_ALL = "*"
_WARM_UP = (Message("user", "a"),)


class Runtime:
    def __init__(self, source: Source, folder: Path) -> None:
        """``folder`` is for what the runtime writes. Blocks for seconds. Raises RagError."""
        manager = sdk.started(folder)
        _register_providers(manager, source.providers)
        self._model = _registered(manager, source)
        with sdk.failures(ModelUnavailable(f"{source.name} could not be loaded.")):
            self._model.load()
        self._guard = TurnGuard(control_tokens(source.folder))
        self.context_tokens = 0
        list(self.begin(self.prompt(_WARM_UP), GenerationRequest(_WARM_UP), 1))

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages as the model will read them, counted. Raises ModelRefused."""
        said = self._guard.guarded(messages)
        module = sdk.module()
        refused = ModelRefused("The model could not read the messages.")
        with (
            sdk.failures(refused),
            module.ChatSession(self._model) as session,
            _filled(said, GenerationRequest(()), 1) as request,
        ):
            found = session.preflight_request(request)
        self.context_tokens = found.context_limit_tokens
        return Prompt(said, found.prompt_tokens)

    def begin(self, prompt: Prompt, request: GenerationRequest, max_tokens: int) -> Answer:
        return Answer(self._model, prompt, request, max_tokens)


class Answer:
    """Iterate it once, in any thread, for the pieces, the finish last."""

    def __init__(
        self, model: Any, prompt: Prompt, request: GenerationRequest, max_tokens: int
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._asked = request
        self._max_tokens = max_tokens
        self._cancelled = False
        self._running: Any = None
        self._lock = threading.Lock()  # a request must not be told to stop while it is freed

    def cancel(self) -> None:
        """Stop at the next token. From any thread; again and again, because the runtime does not
        hear it while the request is on its way in."""
        self._cancelled = True
        with self._lock, suppress(Exception):
            if self._running is not None:
                self._running.cancel()

    def __iter__(self) -> Iterator[Piece | Finish]:
        failed = ModelUnavailable("The model failed while it was answering. Its log says why.")
        with (
            sdk.failures(failed),
            sdk.module().ChatSession(self._model) as session,
            _filled(self._prompt.ids, self._asked, self._max_tokens) as request,
        ):
            session.set_streaming(True)
            self._running = request
            try:
                yield from self._pieces(session, request)
            finally:
                with self._lock:
                    self._running = None

    def _pieces(self, session: Any, request: Any) -> Iterator[Piece | Finish]:
        module = sdk.module()
        text, tokens = TextStream(self._asked.stop), 0
        with session.process_streaming_request(request) as stream:
            for item in stream:
                if self._cancelled:
                    return
                if not isinstance(item, module.TextItem):
                    continue
                tokens += 1
                if item.type == module.TextItemType.REASONING:
                    yield Piece(item.text, None, is_reasoning=True)
                else:
                    yield Piece(text.push(item.text.encode()), None)
                if text.stopped:
                    # The runtime has no count for an answer that is broken off: an item is a token.
                    yield Finish("stop", self._prompt.token_count, tokens)
                    return
            with stream.final_response as final:
                finish = self._finish(final)
        if rest := text.rest():
            yield Piece(rest, None)
        yield finish

    def _finish(self, final: Any) -> Finish:
        reasons, usage = sdk.module().FinishReason, final.get_usage()
        if final.finish_reason == reasons.ERROR:
            raise ModelUnavailable("The model gave up in the middle of its answer. Ask again.")
        # An answer that was cut has been seen to be called finished (microsoft/foundry-local#243).
        cut = final.finish_reason == reasons.LENGTH or usage.completion_tokens >= self._max_tokens
        reason: FinishReason = "length" if cut else "stop"
        return Finish(reason, usage.prompt_tokens, usage.completion_tokens)


def _filled(messages: Sequence[Any], asked: GenerationRequest, max_tokens: int) -> Any:
    """A request of the runtime's; use it in a ``with``, which frees it."""
    module = sdk.module()
    options = module.SearchOptions(max_output_tokens=max_tokens, do_sample=asked.temperature > 0)
    if asked.temperature > 0:
        options.temperature = asked.temperature
        options.top_p = asked.top_p
        options.seed = random.getrandbits(31) if asked.seed is None else asked.seed % 2**31
    request = module.Request()
    for message in messages:
        role = module.MessageRole[message["role"].upper()]
        request.add_item(module.MessageItem(role, message["content"]))
    return request.set_options(module.RequestOptions(search=options))


def _registered(manager: Any, source: Source) -> Any:
    """The folder as a model of the runtime's local catalogue, which asks nobody."""
    module = sdk.module()
    catalogue = manager.get_catalog(module.CatalogType.LOCAL)
    with sdk.failures(ModelUnavailable(f"{source.name} could not be registered.")):
        for model in catalogue.list_models():  # of an earlier time
            catalogue.unregister_model(model.id)
        told = module.ModelInfoBuilder().set_string_property("task", "chat-completion")
        for name, value in source.hints:
            if isinstance(value, int):
                told.set_int_property(name, value)
            else:
                told.set_string_property(name, value)
        return catalogue.register_model(source.folder, "model:1", told)


def _register_providers(manager: Any, wanted: Sequence[str]) -> None:
    """Fetches what is not on this machine yet. Without it the load tells what is missing."""
    with suppress(ModelUnavailable), sdk.failures(ModelUnavailable("No execution provider.")):
        missing = [
            one.name
            for one in manager.discover_eps()
            if not one.is_registered and (one.name in wanted or _ALL in wanted)
        ]
        if missing:
            manager.download_and_register_eps(missing)
