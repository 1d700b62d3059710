"""A converted model in memory: prompts in, sampled tokens out, one step at a time for all.

The only place that knows OpenVINO. It knows neither who asks nor when a step is due. What is set
here was measured: docs/decisions/0036-openvino-settings.md.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openvino_genai as genai  # type: ignore[import-untyped]

from rag.errors import ModelError, ModelRefused, ModelUnavailable
from rag.models.embedded.generation import FinishReason, GenerationRequest, Prompt, Sampled, Token
from rag.models.embedded.memory import release_file
from rag.models.embedded.template import TurnGuard
from rag.types import Message

_READ_TOKENS = 256  # of a waiting prompt, read between two tokens of the running chats
_BLOCK_TOKENS = 32  # the key-value cache on a CPU is dealt out in blocks of this size
_MODEL_FILE = "openvino_model.bin"
_MARKUP = re.compile(rb"<[^<>\s]+>")
_FINISHES: dict[Any, FinishReason] = {
    genai.GenerationFinishReason.STOP: "stop",
    genai.GenerationFinishReason.LENGTH: "length",
}


class Answer:
    """One request inside the pipeline."""

    def __init__(self, handle: Any, vocabulary: Sequence[bytes], ends: frozenset[int]) -> None:
        self._handle = handle
        self._vocabulary = vocabulary
        self._ends = ends

    def read(self) -> Iterator[Sampled]:
        """What was sampled since the last call. Raises ModelUnavailable when it was dropped."""
        with _translated("stopped answering"):
            while self._handle.can_read():
                for output in self._handle.read().values():
                    yield from self._sampled(output)
            if self._handle.get_status() == genai.GenerationStatus.IGNORED:
                raise ModelUnavailable("The model ran out of memory for this answer. Ask again.")

    def cancel(self) -> None:
        """Its blocks are free after the next step."""
        self._handle.cancel()

    def _sampled(self, output: Any) -> Iterator[Sampled]:
        finish = _FINISHES.get(output.finish_reason)
        ids = output.generated_ids
        for place, (token_id, logprob) in enumerate(
            zip(ids, output.generated_log_probs, strict=True), start=1
        ):
            ended = token_id in self._ends
            token = None if ended else Token(self._vocabulary[token_id], logprob)
            yield Sampled(token, finish if place == len(ids) else None)


class Runtime:
    """``cache_tokens`` bounds the memory for prompts and answers of all requests together."""

    def __init__(self, folder: Path, cache_tokens: int) -> None:
        """Blocks for seconds. Raises ModelUnavailable."""
        scheduling = genai.SchedulerConfig()
        scheduling.enable_prefix_caching = True
        scheduling.max_num_batched_tokens = _READ_TOKENS
        scheduling.num_kv_blocks = -(-cache_tokens // _BLOCK_TOKENS)
        # Unpinned: another model, or the page, may be using the same cores.
        properties = {"ENABLE_CPU_PINNING": False}
        with _translated("could not be loaded"):
            self._pipeline = genai.ContinuousBatchingPipeline(
                str(folder), scheduling, "CPU", properties
            )
            self._tokenizer = self._pipeline.get_tokenizer()
            self._read_vocabulary()
            self._requests = 0
            self._warm_up(folder / _MODEL_FILE)

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """The messages in the model's own chat template, as tokens."""
        with _translated("could not read the messages", ModelRefused):
            text = self._tokenizer.apply_chat_template(
                self._guard.guarded(messages), add_generation_prompt=True
            )
            ids = self._tokenizer.encode(text, add_special_tokens=False).input_ids
        return Prompt(ids, ids.shape[1])

    def begin(self, prompt: Prompt, request: GenerationRequest, max_tokens: int) -> Answer:
        """``prompt`` and ``max_tokens`` together must fit the cache beside what is running."""
        config = genai.GenerationConfig(
            apply_chat_template=False,
            eos_token_id=self._eos,
            stop_token_ids=set(self._ends),
            max_new_tokens=max_tokens,
            logprobs=1,
        )
        if request.temperature > 0:
            config.do_sample = True
            config.temperature = request.temperature
            config.top_p = request.top_p
            seed = random.getrandbits(31) if request.seed is None else request.seed
            config.rng_seed = seed % 2**31
        self._requests += 1
        with _translated("refused the request", ModelRefused):
            handle = self._pipeline.add_request(self._requests, prompt.ids, config)
        return Answer(handle, self._vocabulary, self._ends)

    def step(self) -> None:
        """One token for each running answer, or a part of a prompt. Python stands still."""
        with _translated("stopped working"):
            self._pipeline.step()

    @property
    def cache_used(self) -> float:
        """Share of the cache, 0 to 1, in the last step."""
        return float(self._pipeline.get_metrics().cache_usage) / 100

    def _read_vocabulary(self) -> None:
        by_token: dict[bytes, int] = self._tokenizer.get_vocab()
        self._vocabulary = [b""] * (max(by_token.values()) + 1)
        for token, number in by_token.items():
            self._vocabulary[number] = token
        # Control tokens look like markup and are left out of decoded text.
        control = {
            token: number
            for token, number in by_token.items()
            if _MARKUP.fullmatch(token) and not self._tokenizer.decode([number])
        }
        self._eos = self._pipeline.get_config().eos_token_id
        self._ends = frozenset(control.values()) | {self._eos}
        self._guard = TurnGuard([token.decode(errors="replace") for token in control])

    def _warm_up(self, weights: Path) -> None:
        """Weights are brought into the layout that computing wants when first used: do it now.

        The pages that held the file are not needed after that.
        """
        ids = self._tokenizer.encode("a").input_ids
        answer = self.begin(Prompt(ids, ids.shape[1]), GenerationRequest(()), 1)
        while self._pipeline.has_non_finished_requests():
            self.step()
        list(answer.read())
        release_file(weights)


@contextmanager
def _translated(what: str, error: type[ModelError] = ModelUnavailable) -> Iterator[None]:
    """OpenVINO's errors are plain and name paths: the log gets them, the caller does not."""
    try:
        yield
    except (RuntimeError, MemoryError) as exc:
        raise error(f"The embedded model {what}. Its log says why.") from exc
