"""``compare`` against a server that plays two models, one that is always right, one that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from scripted_server import Scripted, ScriptedServer

from rag.commands.compare import compare
from rag.errors import SettingsError
from rag.measuring.preferences import PREFERENCES, Preference, Preferences, Side
from rag.measuring.probes import probes

Compare = Callable[..., Any]
REFERENCES = {probe.task: probe.reference for probe in probes()}


def clever_and_dull(request: dict[str, Any]) -> Scripted:
    """The judge prefers whichever answer is a reference, wherever it stands."""
    prompt = request["messages"][-1]["content"]
    if request["model"] == "judge":
        first = prompt.partition("Answer 1:\n")[2].partition("\n\nAnswer 2:")[0]
        is_first = first in REFERENCES.values()
        return said("scores: 5, 1; better: 1" if is_first else "scores: 1, 5; better: 2")
    task = next((task for task in REFERENCES if task in prompt), "")
    return said(REFERENCES.get(task, "Clever.") if request["model"] == "clever" else "A duck.")


def said(text: str) -> Scripted:
    return Scripted((text[:1], text[1:]), usage=(50, 10))


@pytest.fixture
def invoked(
    scripted_server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("COMPARE_PROMPT", raising=False)
    capable = {"streams": True, "logprobs": False}
    scripted_server.models[:] = [
        {"id": name, "object": "model", "capabilities": capable}
        for name in ("clever", "dull", "judge")
    ]
    scripted_server.fallback = clever_and_dull

    def invoked(*arguments: str) -> Result:
        is_new = not {"--resume", "--preferences"} & set(arguments)
        models = [setting(scripted_server, name) for name in ("dull", "clever")]
        given = ["--models", ",".join(models)] if is_new else []
        found = CliRunner().invoke(compare, [*given, *arguments], standalone_mode=False)
        if found.exception:
            raise found.exception
        return found

    return invoked


@pytest.fixture
def ran(invoked: Callable[..., Result]) -> Compare:
    """The JSON of a run."""

    def ran(*arguments: str, code: int = 0) -> Any:
        found = invoked(*arguments, "--json")
        assert found.return_value == code
        return json.loads(found.stdout)

    return ran


def setting(server: ScriptedServer, name: str) -> str:
    return f"{server.base_url}#{name}"


def test_every_probe_is_checked_when_no_prompt_is_given(ran: Compare) -> None:
    told = ran()
    dull, clever = told["models"]
    assert (dull["answers"], dull["passed"]["value"]) == (17, 0.0)
    assert (clever["passed"]["value"], clever["passed"]["count"]) == (1.0, 17)
    assert clever["passed"]["low"] == pytest.approx(0.816, abs=0.001)  # Wilson, 17 of 17
    [difference] = told["differences"]
    assert difference["than"].endswith("#dull")
    assert difference["figures"]["passed"]["low"] == pytest.approx(0.739, abs=0.001)
    assert difference["chance"] == 2 / 2**17
    answer = next(one for one in told["answers"] if one["prompt"] == "format-1"
                  and one["model"].endswith("#dull"))  # fmt: skip
    assert answer["ability"] == "format"
    assert answer["passed"] is False
    assert answer["faults"] == ["It is not JSON and nothing else."]
    assert told["is_whole"] is True


def test_a_factual_score_is_unknown_when_an_answer_is_derived(ran: Compare) -> None:
    scores = {(one["prompt"], one["model"].rpartition("#")[2]): one["scores"]
              for one in ran()["answers"]}  # fmt: skip
    assert scores["reason-1", "clever"]["factuality"] is None
    assert scores["extract-3", "clever"]["factuality"]["value"] == 5.0
    assert scores["extract-3", "dull"]["factuality"]["value"] == 1.0


def test_the_environment_is_followed_when_it_names_a_prompt(
    scripted_server: ScriptedServer, ran: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPARE_PROMPT", "What swims on the pond?")
    told = ran("--rounds", "2")
    assert [one["text"] for one in told["answers"] if one["round"] == 1 and
            one["model"].endswith("#dull")] == ["A duck."]  # fmt: skip
    assert {one["passed"] for one in told["answers"]} == {None}
    assert [one["passed"] for one in told["models"]] == [None, None]
    assert told["differences"][0]["figures"]["coherence"] is None  # one prompt
    asked = [one.prompt for one in scripted_server.history]
    assert asked.count("What swims on the pond?") == 4  # the warm-ups begin otherwise
    assert len(asked) == 6


def test_every_model_reads_the_same_passages_when_there_are_documents(
    scripted_server: ScriptedServer, ran: Compare, tmp_path: Path
) -> None:
    docs, exported = tmp_path / "docs", tmp_path / "ragas.jsonl"
    docs.mkdir()
    (docs / "beacon.md").write_text("The beacon of Orvane burns whale oil.", encoding="utf-8")
    question = "What does the beacon of Orvane burn?"
    ran("--prompt", question, "--docs", str(docs), "--export", str(exported))
    asked = {one.body["model"]: one.body["messages"] for one in scripted_server.history[-2:]}
    assert asked["clever"] == asked["dull"]
    assert "burns whale oil" in asked["dull"][-1]["content"]
    lines = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    assert {tuple(line) for line in lines} == {
        ("user_input", "retrieved_contexts", "response", "model")
    }
    assert lines[0]["user_input"] == question
    [context] = lines[0]["retrieved_contexts"]
    assert context == "beacon.md, page 1\nThe beacon of Orvane burns whale oil."


def test_a_reference_is_exported_when_a_probe_has_one(ran: Compare, tmp_path: Path) -> None:
    exported = tmp_path / "ragas.jsonl"
    ran("--export", str(exported))
    lines = [json.loads(line) for line in exported.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 34
    assert {line["reference"] for line in lines} == set(REFERENCES.values())


def test_the_question_is_refused_when_no_document_knows_a_word_of_it(
    invoked: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "sea.md").write_text("The sea is salty.", encoding="utf-8")
    with pytest.raises(click.UsageError, match="shares a word"):
        invoked("--prompt", "Quarterly revenue?", "--docs", str(tmp_path / "docs"))


def test_bad_usage_is_refused_when_documents_come_without_a_question(
    invoked: Callable[..., Result], tmp_path: Path
) -> None:
    with pytest.raises(click.UsageError, match="--docs needs a question"):
        invoked("--docs", str(tmp_path))
    with pytest.raises(click.UsageError, match="give one"):
        invoked("--samples", str(tmp_path / "a"), "--resume", __file__)
    with pytest.raises(click.UsageError, match="there is no folder"):
        invoked("--export", str(tmp_path / "missing" / "ragas.jsonl"))


def test_a_preference_counts_when_a_judge_keeps_to_it(
    scripted_server: ScriptedServer, ran: Compare
) -> None:
    judge = ran("--judge", setting(scripted_server, "judge"))["judge"]
    assert judge["judgements"] == 34
    assert judge["unreadable"] == 0
    assert judge["agreement"]["value"] == 1.0
    assert judge["first_preferred"]["value"] == 0.5
    [verdicts] = judge["verdicts"]
    assert verdicts["other"].endswith("#clever")
    assert (verdicts["wins"], verdicts["losses"], verdicts["inconsistent"]) == (0, 17, 0)
    assert [score["value"] for _, score in judge["scores"]] == [1.0, 5.0]
    assert judge["judges_itself"] is False


def test_no_preference_counts_when_a_judge_looks_at_the_place_alone(
    scripted_server: ScriptedServer, ran: Compare
) -> None:
    def leans(request: dict[str, Any]) -> Scripted:
        is_judge = request["model"] == "judge"
        return said("scores: 4, 3; better: 1") if is_judge else clever_and_dull(request)

    scripted_server.fallback = leans
    judge = ran("--judge", setting(scripted_server, "judge"))["judge"]
    assert judge["agreement"]["value"] == 0.0
    assert judge["first_preferred"]["value"] == 1.0
    [verdicts] = judge["verdicts"]
    assert (verdicts["wins"], verdicts["losses"], verdicts["inconsistent"]) == (0, 0, 17)


def test_it_is_told_when_a_judge_keeps_to_no_form(
    scripted_server: ScriptedServer, ran: Compare
) -> None:
    def chats(request: dict[str, Any]) -> Scripted:
        is_judge = request["model"] == "judge"
        return said("The first answer is nicer.") if is_judge else clever_and_dull(request)

    scripted_server.fallback = chats
    judge = ran("--judge", setting(scripted_server, "judge"))["judge"]
    assert (judge["judgements"], judge["unreadable"]) == (34, 34)
    assert judge["agreement"] is None
    assert judge["scores"] == []


def test_a_judge_is_not_asked_again_when_a_run_goes_on(
    scripted_server: ScriptedServer, ran: Compare
) -> None:
    judge = ("--judge", setting(scripted_server, "judge"))
    first = ran(*judge)
    asked = len(scripted_server.history)
    again = ran("--resume", first["samples"], *judge)
    assert again["judge"] == first["judge"]
    assert [one["passed"] for one in again["models"]] == [one["passed"] for one in first["models"]]
    assert len(scripted_server.history) == asked + 3  # warm-ups


def test_only_what_failed_is_asked_again_when_a_run_goes_on(
    scripted_server: ScriptedServer, ran: Compare
) -> None:
    refused = Scripted(status=400, error={"message": "not today"})
    scripted_server.script(said("ok"), said("ok"), refused)
    first = ran("--prompt", "Hello?")
    assert sorted(one["failed"] for one in first["models"]) == [0, 1]
    again = ran("--resume", first["samples"])
    assert [one["failed"] for one in again["models"]] == [0, 0]


def test_it_fails_when_no_model_answers(scripted_server: ScriptedServer, ran: Compare) -> None:
    scripted_server.fallback = Scripted(status=400, error={"message": "not today"})
    told = ran(code=1)
    assert [one["failed"] for one in told["models"]] == [17, 17]
    assert [one["passed"]["value"] for one in told["models"]] == [0.0, 0.0]
    assert told["models"][0]["scores"]["coherence"] is None


def test_no_interval_is_shown_when_there_is_one_answer(invoked: Callable[..., Result]) -> None:
    rows = [line for line in invoked("--prompt", "Why?").stdout.splitlines() if "#dull " in line]
    assert len(rows) == 2
    assert not any(" to " in row for row in rows)


def test_answers_stand_one_after_the_other_when_a_person_reads_them(
    invoked: Callable[..., Result],
) -> None:
    shown = invoked().stdout
    assert "── reason-2: Who is the second oldest of the four?" in shown
    assert "#clever:\nMira\n(Passed. · coherence 5" in shown
    assert "(Failed. It is not JSON and nothing else. · " in shown
    assert "100% (82% to 100%)" in shown or "100% (81.6% to 100%)" in shown


@pytest.mark.parametrize("name", ["probes.html", "probes.md"])
def test_answers_stand_side_by_side_when_there_is_a_report(
    scripted_server: ScriptedServer, ran: Compare, tmp_path: Path, name: str
) -> None:
    report = tmp_path / name
    ran("--report", str(report), "--judge", setting(scripted_server, "judge"))
    page = report.read_text(encoding="utf-8")
    for told in (
        "Which model answers better?",
        "Who passes what?",
        "beyond chance",
        "A duck.",
        "What does a model think?",
        "What the models read",
        "It is not JSON and nothing else.",
    ):
        assert told in page


def test_an_unknown_model_is_refused_when_it_is_to_judge(invoked: Callable[..., Result]) -> None:
    with pytest.raises(SettingsError):
        invoked("--prompt", "Hello?", "--judge", "nonsense:model")


def test_nothing_is_spent_when_models_are_on_this_machine(ran: Compare) -> None:
    assert [one["cost_usd"] for one in ran("--prompt", "Hello?")["models"]] == [0.0, 0.0]


def test_electricity_is_counted_when_it_has_a_price(
    ran: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_WATTS", "100")
    monkeypatch.setenv("RAG_USD_PER_KWH", "1000")
    assert all(one["cost_usd"] > 0 for one in ran("--prompt", "Hello?")["models"])


def test_choices_of_people_are_reported_when_there_are_any(
    invoked: Callable[..., Result], ran: Compare, tmp_path: Path
) -> None:
    assert ran("--preferences") == {"choices": 0, "models": [], "preferred_first": None}
    assert "Nobody has chosen" in invoked("--preferences").stdout
    kept = Preferences(tmp_path / "data" / PREFERENCES)
    kept.add(Preference(1.0, Side("a", "small", "slm"), Side("b", "large", "llm"), "second"))
    told = ran("--preferences")
    assert told["choices"] == 1
    assert (told["models"][0]["model"], told["models"][0]["wins"]) == ("large", 1)
    assert told["preferred_first"]["value"] == 0.0
    report = tmp_path / "preferences.html"
    assert "large / small" in invoked("--preferences", "--report", str(report)).stdout
    assert "Which answers do people prefer?" in report.read_text(encoding="utf-8")
