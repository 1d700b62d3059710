from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.doctor import examine, models
from rag.machine import Finding
from rag.models.foundry import sdk
from rag.models.foundry.offers import Provider, remember_providers
from rag.models.weights import WEIGHTS
from rag.roster import Roster
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
async def test_no_model_is_asked_when_the_page_looks_at_the_machine(
    settings: Settings, scripted_server: ScriptedServer
) -> None:
    seen = with_(settings, slm=f"{scripted_server.base_url}#small")
    roster = Roster.of(seen)
    found = [one async for one in models(seen, roster, asks=False)]
    [finding] = [one for one in found if one.check == "slm model"]
    assert (
        finding.message == "It is chosen in the settings. small is asked when it is first needed."
    )
    assert scripted_server.history == []
    await (await roster.resolve("slm")).model.ready()  # type: ignore[union-attr]
    await roster.close()  # by whose it is: its models are at work


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
        "Ollama on this machine (0.12.11) has llama3.2:3b (3.2B, context 4,096, streams, "
        "counts tokens, gives probabilities), nomic-embed-text (embedding).",
    )


@pytest.mark.anyio
async def test_the_table_of_remedies_is_named_when_a_server_is_not_what_it_should_be(
    settings: Settings, scripted_server: ScriptedServer
) -> None:
    asked = with_(settings, llm=f"{scripted_server.base_url}/elsewhere/v1#m")
    finding = await of_model(asked, "server")
    assert finding.state == "warning"
    assert "is not a model server" in finding.message
    assert finding.fix == "Most addresses end in `/v1`; Azure's in `/openai/v1`."
    assert finding.see == "docs/troubleshooting.md#not-a-server"


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


@pytest.mark.anyio
async def test_a_models_price_is_asked_for_when_it_is_elsewhere_and_in_no_list(
    settings: Settings,
) -> None:
    far = "https://models.example/v1#far"
    finding = await of_model(with_(settings, llm=far), "llm price")
    assert finding == Finding(
        "llm price",
        "warning",
        "The price of far is in no list, so what its answers cost is not known.",
        "Set RAG_PRICES=far=PROMPT/COMPLETION, in US dollars for a million tokens of each, or "
        "correct the list that `python -m rag prices --copy` makes.",
    )
    priced = with_(settings, llm=far, prices="far=1/2")
    assert not [one async for one in examine(priced) if one.check == "llm price"]
    unread = await of_model(with_(settings, llm=far, prices="far"), "llm price")
    assert (unread.state, "RAG_PRICES" in unread.message) == ("problem", True)


@pytest.mark.anyio
async def test_a_price_is_called_old_when_it_was_checked_long_ago(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "prices.toml").write_text(
        '[[provider]]\nname = "Mine"\nsource = "https://models.example"\nchecked = 2020-01-01\n'
        '[provider.models]\n"far" = { prompt = 1, completion = 2 }\n'
    )
    finding = await of_model(with_(settings, llm="https://models.example/v1#far"), "llm price")
    assert finding.message.startswith("The price of far was checked more than a year ago")


@pytest.mark.anyio
async def test_energy_is_told_when_watts_are_given(settings: Settings) -> None:
    finding = await of_model(with_(settings, watts=15.0), "energy")
    assert finding.message == "Energy is counted at 15 W while a model here works (RAG_WATTS)."


@pytest.mark.anyio
async def test_the_runtime_of_foundry_local_is_described_when_it_is_installed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "is_installed", lambda: True)
    monkeypatch.setattr(sdk, "installed_version", lambda: "2.2.1")
    before = await of_model(settings, "foundry local")
    assert before == Finding(
        "foundry local",
        "ok",
        "Foundry Local's runtime 2.2.1 is installed. Fetched: no model yet. Execution providers: "
        "looked for by `python -m rag models foundry`. Each start of it is reported to Microsoft, "
        "without any text: see docs/foundry.md.",
    )
    found = (Provider("CUDAExecutionProvider", True), Provider("QNNExecutionProvider", False))
    remember_providers(found, settings.data_dir)
    after = await of_model(settings, "foundry local")
    assert "Execution providers registered: CUDAExecutionProvider. Each" in after.message
    remember_providers((), settings.data_dir)
    none = await of_model(settings, "foundry local")
    assert "registered: none beside the processor." in none.message


@pytest.mark.anyio
async def test_nothing_is_said_of_foundry_local_when_it_is_not_installed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "is_installed", lambda: False)
    assert not [one async for one in examine(settings) if one.check == "foundry local"]
