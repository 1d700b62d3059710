from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.doctor import examine
from rag.machine import Finding
from rag.models.weights import WEIGHTS
from rag.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    return load(
        data_dir=tmp_path / "data",
        docs_dir=tmp_path / "docs",
        slm="none",
        llm="none",
        discovery=False,
    )


def with_(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


async def of_model(settings: Settings, check: str) -> Finding:
    [finding] = [one async for one in examine(settings) if one.check == check]
    return finding


@pytest.mark.anyio
async def test_all_is_well_when_the_model_answers(
    settings: Settings, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(), Scripted(deltas=("Yes",)))
    asked = with_(settings, slm=f"{scripted_server.base_url}#small")
    finding = await of_model(asked, "slm model")
    assert (finding.state, finding.fix) == ("ok", "")
    assert finding.message.startswith("It is chosen in the settings. small answers after ")
    assert finding.message.endswith(" s; it streams, counts tokens.")
    assert scripted_server.history[-1].body["max_tokens"] == 1


@pytest.mark.anyio
async def test_it_is_a_problem_when_the_model_cannot_be_reached(settings: Settings) -> None:
    finding = await of_model(with_(settings, slm="http://127.0.0.1:9/v1#m"), "slm model")
    assert finding.state == "problem"
    assert "RAG_SLM" in finding.fix


@pytest.mark.anyio
async def test_it_is_well_when_a_tier_is_switched_off(settings: Settings) -> None:
    assert (await of_model(settings, "llm model")).state == "ok"


@pytest.mark.anyio
async def test_it_is_a_warning_when_the_model_is_still_to_be_fetched(settings: Settings) -> None:
    finding = await of_model(with_(settings, llm="embedded:smollm2-135m"), "llm model")
    assert finding == Finding(
        "llm model",
        "warning",
        "It is chosen in the settings. smollm2-135m is not here yet.",
        "98 MB are fetched at first need, or now by: python -m rag models pull smollm2-135m",
    )


@pytest.mark.anyio
async def test_it_is_a_problem_when_the_file_of_a_model_is_damaged(settings: Settings) -> None:
    file = settings.data_dir / "models" / "smollm2-135m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    assert "smollm2-135m" in WEIGHTS
    finding = await of_model(with_(settings, llm="embedded:smollm2-135m"), "llm model")
    assert finding.state == "problem"
    assert finding.message == "It is chosen in the settings. The file of smollm2-135m is damaged."


@pytest.mark.anyio
async def test_it_is_said_when_no_other_server_is_found(settings: Settings) -> None:
    finding = await of_model(settings, "server")
    assert finding == Finding("server", "ok", "No other model server was found on this machine.")


@pytest.mark.anyio
async def test_a_server_is_described_when_it_is_found(
    settings: Settings, scripted_server: ScriptedServer
) -> None:
    scripted_server.models = [{"id": "llama3.2:3b"}, {"id": "nomic-embed-text"}]
    scripted_server.pages = {
        "/api/version": {"version": "0.12.11"},
        "/api/tags": {"models": [{"name": "llama3.2:3b", "details": {"parameter_size": "3.2B"}}]},
        "/api/ps": {"models": [{"name": "llama3.2:3b", "context_length": 4096}]},
    }
    asked = with_(settings, ollama_host=scripted_server.base_url.removesuffix("/v1"))
    finding = await of_model(asked, "server")
    assert finding == Finding(
        "server",
        "ok",
        "Ollama on this machine (0.12.11) has llama3.2:3b (3.2B, context 4,096), "
        "nomic-embed-text (embedding).",
    )


@pytest.mark.anyio
async def test_the_table_of_remedies_is_named_when_a_server_is_not_what_it_should_be(
    settings: Settings, scripted_server: ScriptedServer
) -> None:
    asked = with_(settings, llm=f"{scripted_server.base_url}/elsewhere/v1#m")
    finding = await of_model(asked, "server")
    assert finding.state == "warning"
    assert "is not a model server" in finding.message
    assert finding.fix == "See docs/troubleshooting.md#models."


@pytest.mark.anyio
async def test_nothing_is_sent_when_a_model_is_on_another_machine(settings: Settings) -> None:
    asked = with_(settings, slm="http://198.51.100.1:9/v1#far")
    findings = [one async for one in examine(asked) if one.check in {"server", "slm model"}]
    assert findings == [
        Finding(
            "server",
            "ok",
            "http://198.51.100.1:9/v1: Not asked: it is on another machine. "
            "The option --remote asks it.",
        ),
        Finding(
            "slm model",
            "ok",
            "It is chosen in the settings. Not asked: it is on another machine. "
            "The option --remote asks it. It is on your network.",
        ),
    ]
