"""``bench`` against servers whose delays are known: what is measured must be what they do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from scripted_server import MODEL, Scripted, ScriptedServer

from rag.commands.bench import bench
from rag.measuring.bench import prompt_of_length
from rag.tokens import count_tokens

FIRST_S, PAUSE_S, TOKENS = 0.2, 0.05, 9
# 0.2 s to the first token and 0.05 s to each of eight others: 20 tokens/s.
STEADY = Scripted(["a "] * TOKENS, usage=(100, TOKENS), delay_s=[FIRST_S] + [PAUSE_S] * 8)

Bench = Callable[..., Any]


@pytest.fixture
def ran(scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The JSON of a run over the scripted server; or what was said on stderr, if it failed."""
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    for name in ("BENCH_MODELS", "BENCH_PROMPT", "BENCH_ROUNDS", "BENCH_STREAM"):
        monkeypatch.delenv(name, raising=False)
    scripted_server.models[0]["capabilities"] = {"streams": True, "logprobs": False}

    def ran(*arguments: str, code: int = 0) -> Any:
        models = [] if "--resume" in arguments else ["--models", setting(scripted_server)]
        found = CliRunner().invoke(bench, [*models, *arguments, "--json"], standalone_mode=False)
        if found.exception:
            raise found.exception
        assert found.return_value == code
        return json.loads(found.stdout)

    return ran


def setting(server: ScriptedServer) -> str:
    return f"{server.base_url}#{MODEL}"


def test_known_delays_are_measured_when_a_server_keeps_them(
    scripted_server: ScriptedServer, ran: Bench
) -> None:
    scripted_server.fallback = STEADY
    [row] = ran("--rounds", "3")["figures"]
    medians = {name: spread["median"]["value"] for name, spread in row["spreads"].items()}
    # A busy machine may be late, but never early.
    assert 200 <= medians["first_token_ms"] < 400
    assert 50 <= medians["time_per_token_ms"] < 100
    assert 10 < medians["decode_tokens_per_s"] <= 20
    assert 250 < medians["prefill_tokens_per_s"] <= 500
    assert (row["requests"], row["failed"], row["pieces_are_tokens"]) == (3, 0, True)
    assert row["prompt_tokens"]["value"] == 100


def test_a_stall_is_seen_when_the_mean_hides_it(
    scripted_server: ScriptedServer, ran: Bench
) -> None:
    delays = [0.05] * 8 + [1.0]
    scripted_server.fallback = Scripted(["a "] * 9, usage=(100, 9), delay_s=delays)
    [row] = ran("--rounds", "1")["figures"]
    pauses = row["spreads"]["pause_ms"]
    assert pauses["max"] > 3 * pauses["median"]["value"]


def test_no_percentile_is_told_when_rounds_are_few(
    scripted_server: ScriptedServer, ran: Bench
) -> None:
    [row] = ran("--rounds", "3")["figures"]
    first = row["spreads"]["first_token_ms"]
    assert first["percentiles"] == {}
    assert first["min"] <= first["median"]["value"] <= first["max"]


def test_several_loads_and_lengths_are_told_apart_when_asked_for(
    scripted_server: ScriptedServer, ran: Bench, tmp_path: Path
) -> None:
    report = tmp_path / "speed.html"
    lengths = ("--prompt-tokens", "64", "--prompt-tokens", "128")
    loads = ("--at-once", "1", "--at-once", "2")
    told = ran("--rounds", "2", *lengths, *loads, "--report", str(report))
    assert [(row["at_once"], row["prompt"], row["requests"]) for row in told["figures"]] == [
        (1, "128 tokens", 2),
        (1, "64 tokens", 2),
        (2, "128 tokens", 4),
        (2, "64 tokens", 4),
    ]
    assert told["is_whole"] is True
    page = report.read_text(encoding="utf-8")
    assert "How much do several at once get together?" in page
    assert "What does a longer prompt cost?" in page


def test_the_environment_is_followed_when_nothing_else_is_said(
    scripted_server: ScriptedServer, ran: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}
    scripted_server.fallback = Scripted(body=json.dumps(whole), content_type="application/json")
    monkeypatch.setenv("BENCH_PROMPT", "Why is the sky blue?")
    monkeypatch.setenv("BENCH_ROUNDS", "2")
    monkeypatch.setenv("BENCH_STREAM", "false")
    [row] = ran()["figures"]
    assert (row["prompt"], row["requests"]) == ("prompt", 2)
    assert row["spreads"]["decode_tokens_per_s"] is None
    assert scripted_server.history[-1].body["stream"] is False
    assert scripted_server.history[-1].prompt.endswith("Why is the sky blue?")


def test_only_what_failed_is_asked_again_when_a_run_goes_on(
    scripted_server: ScriptedServer, ran: Bench
) -> None:
    refused = Scripted(status=400, error={"message": "not today"})
    scripted_server.script(Scripted(), Scripted(("Yes.",)), refused)
    first = ran("--rounds", "2")
    assert [row["failed"] for row in first["figures"]] == [1]
    asked = len(scripted_server.history)
    again = ran("--resume", first["samples"])
    assert [(row["requests"], row["failed"]) for row in again["figures"]] == [(2, 0)]
    assert len(scripted_server.history) == asked + 2  # to warm up, and what had failed


def test_it_fails_when_no_request_succeeds(scripted_server: ScriptedServer, ran: Bench) -> None:
    scripted_server.fallback = Scripted(status=400, error={"message": "not today"})
    told = ran("--rounds", "1", code=1)
    assert told["figures"][0]["failed"] == 1


@pytest.mark.parametrize("tokens", [64, 512, 3000])
def test_a_prompt_has_the_wanted_length_when_it_is_made(tokens: int) -> None:
    [message] = prompt_of_length(tokens, 16).messages
    assert 0.9 * tokens <= count_tokens(message.content) <= tokens
    assert message == prompt_of_length(tokens, 16).messages[0]
