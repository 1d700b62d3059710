"""An engine without any of our code around it, as a process of its own that other benches ask.

    PYTHON bench/peers.py openvino FOLDER
    PYTHON bench/peers.py llama FILE.gguf

Lines of JSON: in goes {"messages", "max_tokens"}; out comes {"first_token_s", "total_s", "tokens",
"text"}, after a first line {"load_s"}. PYTHON need only have the engine's package, which is why
nothing of ``rag`` is imported.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

CONTEXT_TOKENS = 8192
Ask = Callable[[list[dict[str, str]], int], Iterator[str]]


def openvino(folder: str) -> Ask:
    """The same pipeline with the library's own settings, one request at a time."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # it reports its imports
    import openvino_genai as genai  # noqa: PLC0415 - the other peer has no such package

    scheduling = genai.SchedulerConfig()
    scheduling.cache_size = 1
    pipeline = genai.ContinuousBatchingPipeline(folder, scheduling, "CPU")
    tokenizer = pipeline.get_tokenizer()
    ends = {"eos_token_id": pipeline.get_config().eos_token_id}

    def ask(messages: list[dict[str, str]], max_tokens: int) -> Iterator[str]:
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        config = genai.GenerationConfig(
            max_new_tokens=max_tokens, apply_chat_template=False, logprobs=1, **ends
        )
        handle = pipeline.add_request(0, prompt, config)
        while pipeline.has_non_finished_requests():
            pipeline.step()
            while handle.can_read():
                for output in handle.read().values():
                    yield tokenizer.decode(output.generated_ids)

    return ask


def llama(gguf: str) -> Ask:
    from llama_cpp import Llama  # noqa: PLC0415

    model = Llama(gguf, n_ctx=CONTEXT_TOKENS, n_threads=os.cpu_count(), verbose=False)

    def ask(messages: list[dict[str, str]], max_tokens: int) -> Iterator[str]:
        events: Any = model.create_chat_completion(
            messages,  # type: ignore[arg-type]
            max_tokens=max_tokens,
            temperature=0,
            stream=True,
        )
        for event in events:
            if "content" in event["choices"][0]["delta"]:
                yield event["choices"][0]["delta"]["content"]

    return ask


def asked(ask: Ask, messages: list[dict[str, str]], max_tokens: int) -> dict[str, Any]:
    started = time.perf_counter()
    first_s, pieces = None, []
    for piece in ask(messages, max_tokens):
        first_s = first_s or time.perf_counter() - started
        pieces.append(piece)
    return {
        "first_token_s": first_s,
        "total_s": time.perf_counter() - started,
        "tokens": len(pieces),
        "text": "".join(pieces),
    }


def main() -> None:
    engine, path = sys.argv[1:]
    started = time.perf_counter()
    ask = {"openvino": openvino, "llama": llama}[engine](path)
    asked(ask, [{"role": "user", "content": "Hello."}], 2)  # weights are laid out at first use
    print(json.dumps({"load_s": time.perf_counter() - started}), flush=True)
    for line in sys.stdin:
        print(json.dumps(asked(ask, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
