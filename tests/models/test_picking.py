"""What ``auto`` takes of what was found, and what it says of it."""

from __future__ import annotations

import pytest

from rag.models.dialects import FOUNDRY, FoundModel, named
from rag.models.discovery import FoundServer
from rag.models.picking import pick
from rag.types import Reach

URL = "http://127.0.0.1:11434/v1"


def ollama(*models: str | FoundModel, problem: str = "") -> FoundServer:
    found = tuple(named(one) if isinstance(one, str) else one for one in models)
    return FoundServer("Ollama", URL, "machine", found, problem=problem)


def model_of(tier: str, *models: str | FoundModel, above_b: float = 0.0) -> str | None:
    picked = pick(tier, (ollama(*models),), above_b=above_b)
    return picked.model if picked else None


def test_a_pair_is_taken_when_a_server_has_models_of_both_sizes() -> None:
    server = ollama("llama3.2:1b", "qwen2.5:14b", "llama3.2:3b", "qwen2.5:7b")
    small, large = pick("slm", (server,)), pick("llm", (server,), above_b=3.0)
    assert (small.model, large.model) == ("llama3.2:3b", "qwen2.5:14b")
    assert small.reason == "Ollama on this machine has llama3.2:3b, the largest of at most 5B."
    assert large.reason == "Ollama on this machine has qwen2.5:14b, the largest found."
    assert (small, large) == (pick("slm", (server,)), pick("llm", (server,), above_b=3.0))


@pytest.mark.parametrize("models", [(), ("qwen2.5:7b",), ("smollm2:135m",), ("mistral:latest",)])
def test_no_small_model_is_taken_when_none_beats_the_embedded_one(models: tuple[str]) -> None:
    assert model_of("slm", *models) is None


@pytest.mark.parametrize("models", [(), ("llama3.2:1b",), ("llama3.2:3b",)])
def test_no_larger_model_is_taken_when_none_exceeds_the_small_one(models: tuple[str]) -> None:
    assert model_of("llm", *models, above_b=3.0) is None


def test_a_chat_model_is_taken_when_larger_ones_think_look_or_embed() -> None:
    others = ("deepseek-r1:4b", "llava:4b", "embeddinggemma:4b")
    assert model_of("slm", "llama3.2:1b", *others) == "llama3.2:1b"


def test_a_model_that_thinks_is_taken_and_called_so_when_no_other_is_there() -> None:
    picked = pick("slm", (ollama("llava:4b", "deepseek-r1:1.5b", "embeddinggemma:3b"),))
    assert picked.reason == (
        "Ollama on this machine has deepseek-r1:1.5b, the largest of at most 5B "
        "(it thinks before it answers)."
    )


def test_a_model_is_left_alone_when_it_runs_elsewhere_or_exceeds_the_memory() -> None:
    hosted = FoundModel("gpt-oss:120b-cloud", parameters_b=120.0, is_hosted=True)
    huge = FoundModel("llama3.3:70b", parameters_b=70.0, size_bytes=42_000_000_000)
    fits = FoundModel("qwen2.5:7b", parameters_b=7.0, size_bytes=4_700_000_000)
    server = ollama(hosted, huge, fits)
    assert pick("llm", (server,), memory_bytes=16_000_000_000).model == "qwen2.5:7b"


@pytest.mark.parametrize("reach", ["network", "cloud"])
def test_another_machine_is_left_alone_when_it_was_not_allowed(reach: Reach) -> None:
    far = FoundServer("vLLM", "http://far/v1", reach, (named("qwen2.5:7b"),))
    assert pick("llm", (far,)) is None
    assert pick("llm", (far,), reaches=("machine", reach)).server == far


def test_a_server_is_left_alone_when_it_has_a_problem() -> None:
    assert pick("slm", (ollama("llama3.2:3b", problem="It does not answer."),)) is None


def test_the_earlier_server_is_taken_when_two_have_models_of_one_size() -> None:
    other = FoundServer("LM Studio", "http://127.0.0.1:1234/v1", "machine", (named("a-3b"),))
    assert pick("slm", (other, ollama("llama3.2:3b"))).server == other
    assert pick("slm", (ollama("llama3.2:3b"), other)).server.kind == "Ollama"


def test_foundrys_own_pair_is_taken_when_another_server_has_larger_ones() -> None:
    names = ("gpt-oss-20b-cuda-gpu:1", "Phi-4-mini-instruct-generic-cpu:5")
    service = FoundServer(
        FOUNDRY, "http://127.0.0.1:5273/v1", "machine", tuple(named(name) for name in names)
    )
    servers = (ollama("qwen3:4b", "qwen3:32b"), service)
    small, large = pick("slm", servers), pick("llm", servers, above_b=3.8)
    assert (small.model, large.model) == ("phi-4-mini", "gpt-oss-20b")
    assert small.is_alias
    assert small.reason == "Foundry Local on this machine has phi-4-mini."


def test_a_provider_is_asked_for_the_larger_model_alone_when_it_was_allowed() -> None:
    openai = FoundServer(
        "OpenAI", "https://api.openai.com/v1", "cloud", (named("gpt-4o-mini"), named("whisper-1"))
    )
    allowed = ("machine", "cloud")
    assert pick("slm", (openai,), reaches=allowed) is None
    assert pick("llm", (openai,)) is None
    assert pick("llm", (openai,), reaches=allowed).model == "gpt-4o-mini"


def test_the_largest_of_a_providers_models_is_not_taken_when_it_may_be_asked() -> None:
    router = FoundServer(
        "OpenRouter", "https://openrouter.ai/api/v1", "cloud", (named("llama-3.1-405b"),)
    )
    groq = FoundServer(
        "Groq",
        "https://api.groq.com/openai/v1",
        "cloud",
        (named("llama-3.3-70b"), named("openai/gpt-oss-20b")),
    )
    anywhere: tuple[Reach, ...] = ("machine", "network", "cloud")
    assert pick("llm", (router,), reaches=anywhere) is None
    picked = pick("llm", (router, groq), reaches=anywhere)
    assert picked is not None
    assert picked.model == "openai/gpt-oss-20b"
    assert picked.reason == (
        "No larger model was found on this machine, and Groq at https://api.groq.com/openai/v1 "
        "may be asked."
    )
