"""The command, over a real library and a server that says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Scripted, ScriptedServer

from rag.cli import main

ROOT = Path(__file__).parent.parent.parent
RIGHT, WRONG = Scripted(deltas=("Every 500 hours", " [1].")), Scripted(deltas=("Never", "."))
LAMP = Scripted(deltas=("Lamp oil [1].",))
REFUSAL = Scripted(deltas=("The passages do not mention it.",))
BUSY = Scripted(status=400, error={"message": "No."})

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> None:
    (tmp_path / "manuals").mkdir()
    (tmp_path / "manuals" / "pump.md").write_text("# Pump\n\nChange the oil every 500 hours.")
    (tmp_path / "manuals" / "lamp.md").write_text("# Lamp\n\nFill in lamp oil.")
    questions = [
        {"id": "1", "question": "When is the oil of the pump changed?", "answers": ["500 hours"],
         "document": "pump.md", "page": 1},
        {"id": "2", "question": "What is filled into the lamp?", "answers": ["lamp oil"],
         "document": "lamp.md", "page": None},
        {"id": "3", "question": "Who invented the pump?", "answers": [],
         "document": None, "page": None},
    ]  # fmt: skip
    (tmp_path / "qa.jsonl").write_text("".join(json.dumps(each) + "\n" for each in questions))
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_SLM", f"{scripted_server.base_url}#small")
    monkeypatch.setenv("RAG_LLM", "none")
    monkeypatch.setenv("RAG_WORKERS", "1")
    monkeypatch.chdir(tmp_path)
    scripted_server.script(Scripted())  # what the probe gets


def evaluated(capsys: Output, *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    mode = () if "--mode" in arguments else ("--mode", "slm")
    all_arguments = [
        "evaluate",
        "--qa",
        "qa.jsonl",
        "--docs",
        "manuals",
        *mode,
        *arguments,
        "--json",
    ]
    assert main(all_arguments) == code
    return json.loads(capsys.readouterr().out)


def values(summary: Any, *names: str) -> list[float]:
    return [summary["scores"][name]["value"] for name in names]


def rows(summary: Any) -> list[Any]:
    lines = Path(summary["rows"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_answers_are_scored_when_a_set_is_put(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(RIGHT, WRONG, REFUSAL)
    summary = evaluated(capsys)
    assert list(summary) == [
        *("mode", "questions", "answerable", "errors", "models", "routes", "scores", "latency_ms"),
        *("tokens", "cost_usd", "by_question", "missing_documents", "rows", "seconds", "gate"),
    ]
    assert (summary["mode"], summary["questions"], summary["errors"]) == ("slm", 3, 0)
    assert values(summary, "answer_contained", "declined_when_unanswerable") == [0.5, 1.0]
    assert values(summary, "document_recall_at_1", "page_recall_at_1") == [1.0, 1.0]
    assert values(summary, "answered_when_answerable", "citation_precision") == [1.0, 1.0]
    assert summary["latency_ms"]["total"]["count"] == 3
    assert summary["tokens"]["completion"]["value"] == 3.0
    assert summary["cost_usd"]["total"] == 0.0
    assert summary["missing_documents"] == []
    assert {request.body["temperature"] for request in scripted_server.history} == {0.0}
    assert Path(summary["rows"]).is_relative_to(Path.cwd() / "data" / "evaluations")
    assert rows(summary)[0]["answer"]["text"] == "Every 500 hours [1]."


def test_no_model_is_asked_when_only_retrieval_is_scored(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    summary = evaluated(capsys, "--retrieval-only")
    assert scripted_server.requests == []
    assert (summary["mode"], summary["models"]) == ("retrieval", {})
    assert values(summary, "document_mrr", "passage_ndcg_at_10") == [1.0, 1.0]
    assert summary["scores"]["answer_contained"] is None


def test_only_what_is_left_is_asked_when_a_run_goes_on(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(RIGHT, BUSY)
    first = evaluated(capsys, "--limit", "2", "--rows", "kept.jsonl")
    assert (first["questions"], first["errors"], first["rows"]) == (2, 1, "kept.jsonl")
    scripted_server.reset()
    scripted_server.script(Scripted(), WRONG, REFUSAL)
    second = evaluated(capsys, "--resume", "kept.jsonl")
    assert len(scripted_server.history) == 3  # the probe, and two questions
    assert (second["questions"], second["errors"]) == (3, 0)
    assert values(second, "answer_contained") == [0.5]
    assert [row["question"]["id"] for row in rows(second)] == ["1", "2", "2", "3"]


def test_it_fails_when_no_question_could_be_answered(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(BUSY)
    summary = evaluated(capsys, "--limit", "1", code=1)
    assert summary["errors"] == 1
    [row] = rows(summary)
    assert row["answer"] is None
    assert row["error"].endswith(".")
    assert row["found"][0] == {"document": "pump.md", "page": 1, "holds_answer": True}


def test_answers_are_written_for_ragas_when_they_are_exported(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(RIGHT)
    evaluated(capsys, "--limit", "1", "--export", "ragas.jsonl")
    [line] = Path("ragas.jsonl").read_text(encoding="utf-8").splitlines()
    sample = json.loads(line)
    assert set(sample) == {
        *("user_input", "retrieved_contexts", "response", "reference", "model", "mode")
    }
    assert sample["mode"] == "slm"


def test_the_gate_is_shut_when_the_answer_got_worse(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(RIGHT)
    evaluated(capsys, "--limit", "1", "--save", "before.json")
    scripted_server.reset()
    scripted_server.script(Scripted(), RIGHT)
    same = evaluated(capsys, "--limit", "1", "--gate", "before.json")
    assert same["gate"]["passed"]
    scripted_server.reset()
    scripted_server.script(Scripted(), WRONG)
    worse = evaluated(capsys, "--limit", "1", "--gate", "before.json", code=1)
    assert not worse["gate"]["passed"]
    [contained] = [
        change for change in worse["gate"]["changes"] if change["score"] == "answer_contained"
    ]
    assert (contained["before"], contained["after"], contained["regression"]) == (1.0, 0.0, True)


def test_a_turn_goes_on_to_the_larger_model_when_the_mode_is_auto(
    capsys: Output, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", f"{scripted_server.base_url}#large")
    doubtful = Scripted(deltas=("It is changed every 9,999 hours.",), logprobs=(-0.5,))
    scripted_server.reset()
    probed = Scripted(logprobs=(-0.1,) * 3)
    scripted_server.script(probed, probed, doubtful, RIGHT)
    summary = evaluated(capsys, "--mode", "auto", "--limit", "1")
    assert (summary["mode"], summary["routes"]) == ("auto", {"llm": 1})
    assert values(summary, "escalated", "answer_contained") == [1.0, 1.0]
    assert set(summary["tokens"]["by_model"]) == {"small", "large"}
    [row] = rows(summary)
    assert row["draft"] == "It is changed every 9,999 hours."
    assert row["logprobs"] == [-0.5]
    assert [attempt["tier"] for attempt in row["answer"]["attempts"]] == ["slm", "llm"]


def test_the_draft_stands_when_there_is_no_larger_model(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(deltas=("It is changed every 9,999 hours.",)))
    summary = evaluated(capsys, "--mode", "auto", "--limit", "1")
    assert summary["routes"] == {"slm": 1}
    assert values(summary, "escalated", "uncertain") == [0.0, 1.0]


def test_missing_documents_are_told_when_the_set_names_them(capsys: Output) -> None:
    Path("manuals/lamp.md").unlink()
    assert evaluated(capsys, "--retrieval-only")["missing_documents"] == ["lamp.md"]


def test_scores_are_readable_when_a_person_evaluates(capsys: Output) -> None:
    assert main(["evaluate", "--qa", "qa.jsonl", "--docs", "manuals", "--retrieval-only"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(
        "document_recall_at_1         1.000  [1.000, 1.000]  (2 questions)"
    )
    assert "answer_contained" not in output.out
    assert "--resume goes on with it." in output.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--qa", "missing.jsonl"),
        ("--qa", "manuals/pump.md"),
        ("--qa", "qa.jsonl", "--limit", "0"),
        ("--qa", "qa.jsonl", "--mode", "fast"),
        ("--qa", "qa.jsonl", "--docs", "missing"),
        ("--qa", "qa.jsonl", "--rows", "qa.jsonl"),
        ("--qa", "qa.jsonl", "--resume", "qa.jsonl"),
        ("--qa", "qa.jsonl", "--rows", "new.jsonl", "--resume", "qa.jsonl"),
        ("--qa", "qa.jsonl", "--gate", "qa.jsonl"),
    ],
    ids=" ".join,
)
def test_one_sentence_refuses_it_when_the_usage_is_bad(
    arguments: Sequence[str], capsys: Output
) -> None:
    assert main(["evaluate", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1


def test_a_larger_model_is_asked_for_when_there_is_none(capsys: Output) -> None:
    assert main(["evaluate", "--qa", "qa.jsonl", "--docs", "manuals", "--mode", "llm"]) == 2
    assert "set RAG_LLM" in capsys.readouterr().err


@pytest.mark.parametrize(("mode", "tier"), [("llm", "LLM"), ("slm", "SLM"), ("auto", "SLM")])
def test_no_other_answers_count_as_its_own_when_a_model_elsewhere_is_not_allowed(
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
    scripted_server: ScriptedServer,
    mode: str,
    tier: str,
) -> None:
    monkeypatch.setenv(f"RAG_{tier}", "http://198.51.100.1:9/v1#far")
    assert main(["evaluate", "--qa", "qa.jsonl", "--docs", "manuals", "--mode", mode]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "far is on another machine" in output.err
    assert scripted_server.history == []


def test_the_draft_stands_when_the_larger_model_is_elsewhere_and_not_allowed(
    capsys: Output, monkeypatch: pytest.MonkeyPatch, scripted_server: ScriptedServer
) -> None:
    monkeypatch.setenv("RAG_LLM", "http://198.51.100.1:9/v1#far")
    scripted_server.script(Scripted(deltas=("It is changed every 9,999 hours.",)))
    summary = evaluated(capsys, "--mode", "auto", "--limit", "1")
    assert (summary["routes"], summary["errors"]) == ({"slm": 1}, 0)


def test_our_documentation_is_found_when_our_questions_are_put(capsys: Output) -> None:
    capsys.readouterr()
    ours = ["--qa", str(ROOT / "tests/qa/docs.jsonl"), "--docs", str(ROOT / "docs")]
    assert main(["evaluate", *ours, "--retrieval-only", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["missing_documents"] == []
    [recall] = values(summary, "document_recall_at_5")
    assert recall >= 0.9


# --- several runs, and reports


def both(capsys: Output, scripted_server: ScriptedServer, *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    put = ["evaluate", "--qa", "qa.jsonl", "--docs", "manuals", "--limit", "2", *arguments]
    assert main(put) == code
    return capsys.readouterr()


@pytest.fixture
def _large(scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LLM", f"{scripted_server.base_url}#large")
    scripted_server.reset()
    scripted_server.fallback = only_the_large_one_knows


def only_the_large_one_knows(body: Any) -> Scripted:
    if body["model"] != "large":
        return WRONG
    return RIGHT if "pump" in body["messages"][-1]["content"] else LAMP


@pytest.mark.usefixtures("_large")
def test_each_run_is_compared_with_the_first_when_there_are_several_modes(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    told = both(capsys, scripted_server, "--mode", "slm", "--mode", "llm", "--json")
    ended = json.loads(told.out)
    assert list(ended) == ["runs", "seconds"]
    small, large = ended["runs"]
    assert list(small) == [
        *("name", "mode", "questions", "answerable", "errors", "models", "routes", "scores"),
        *("latency_ms", "tokens", "cost_usd", "by_question", "missing_documents", "rows"),
        *("seconds", "against_first"),
    ]
    assert [(run["name"], run["models"]) for run in (small, large)] == [
        ("slm", {"small": 2}),
        ("llm", {"large": 2}),
    ]
    assert small["against_first"] is None
    [change] = [
        each for each in large["against_first"]["changes"] if each["score"] == "answer_contained"
    ]
    assert (change["before"], change["after"]) == (0.0, 1.0)
    assert change["difference"] == {"value": 1.0, "low": 1.0, "high": 1.0, "count": 2}
    assert small["rows"] != large["rows"]
    assert f"--resume {small['rows']} --resume {large['rows']}" in told.err


@pytest.mark.usefixtures("_large")
def test_one_table_has_a_column_for_each_when_a_person_compares(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    told = both(capsys, scripted_server, "--mode", "slm", "--mode", "llm").out
    head, *lines = told.splitlines()
    assert head.split() == ["slm", "llm"]
    [contained] = [line for line in lines if line.startswith("answer_contained")]
    assert "0.000  [0.000, 0.000] " in contained
    assert contained.endswith("1.000  [1.000, 1.000]*")
    assert "* differs from slm" in told


def test_each_model_is_asked_when_several_are_named(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    one, two = (f"{scripted_server.base_url}#{name}" for name in ("one", "two"))
    told = both(capsys, scripted_server, "--mode", "slm", "--slm", one, "--slm", two, "--json")
    runs = json.loads(told.out)["runs"]
    assert [(run["name"], run["models"]) for run in runs] == [
        (f"slm {one}", {"one": 2}),
        (f"slm {two}", {"two": 2}),
    ]


@pytest.mark.usefixtures("_large")
def test_models_take_turns_when_there_are_several_runs(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    both(capsys, scripted_server, "--mode", "slm", "--mode", "llm")
    *probes, first, second, third, fourth = scripted_server.history
    assert len(probes) == 2
    for turn in ((first, second), (third, fourth)):
        assert {each.body["model"] for each in turn} == {"small", "large"}
        one, other = (each.body["messages"][-1]["content"] for each in turn)
        assert one != other  # or the second would be answered from what the server remembers


@pytest.mark.usefixtures("_large")
def test_nothing_is_asked_again_when_several_runs_go_on(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    modes = ("--mode", "slm", "--mode", "llm", "--json")
    kept = ("--rows", "slm.jsonl", "--rows", "llm.jsonl")
    first = json.loads(both(capsys, scripted_server, *modes, *kept).out)
    asked = len(scripted_server.history)
    again = ("--resume", "slm.jsonl", "--resume", "llm.jsonl")
    second = json.loads(both(capsys, scripted_server, *modes, *again).out)
    assert len(scripted_server.history) == asked
    assert [run["scores"] for run in second["runs"]] == [run["scores"] for run in first["runs"]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--rows", "one.jsonl"), "These are 2 runs: give --rows or --resume once for each"),
        (("--save", "scores.json"), "--save and --gate take one run"),
    ],
)
def test_one_sentence_refuses_it_when_a_file_is_for_one_run(
    arguments: Sequence[str], sentence: str, capsys: Output, scripted_server: ScriptedServer
) -> None:
    modes = ("--mode", "slm", "--mode", "llm")
    told = both(capsys, scripted_server, *modes, *arguments, code=2)
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert scripted_server.requests == []


@pytest.mark.usefixtures("_large")
def test_a_report_tells_all_runs_when_it_is_wanted(
    capsys: Output, scripted_server: ScriptedServer
) -> None:
    both(capsys, scripted_server, "--mode", "slm", "--mode", "llm", "--report", "both.html")
    page = Path("both.html").read_text(encoding="utf-8")
    for words in (
        "How good are the answers: slm, llm?",
        "slm gives an expected answer to 0% (0% to 0%) of those that have one",
        "What does quality cost in time?",
        "llm, compared with slm",
        "How long does a turn take?",
        "slm → slm, 2 turns",
        "Who gave the answers?",
        "When is the oil of the pump changed?",
        "--mode slm --mode llm --limit 2 --report both.html",
    ):
        assert words in page


def test_a_report_of_search_is_short_when_no_model_is_asked(capsys: Output) -> None:
    arguments = ("--retrieval-only", "--report", "search.md")
    evaluated(capsys, *arguments)
    text = Path("search.md").read_text(encoding="utf-8")
    assert "retrieval finds the expected document at a mean reciprocal rank of 1.00" in text
    assert "### How long does a turn take?" in text
    assert "Who gave the answers" not in text
    assert Path("search-1.svg").exists()


@pytest.mark.parametrize("file", ["report.pdf", "report", "missing/report.html"])
def test_one_sentence_refuses_it_when_a_report_cannot_be_written(
    file: str, capsys: Output, scripted_server: ScriptedServer
) -> None:
    put = ["evaluate", "--qa", "qa.jsonl", "--docs", "manuals", "--report", file]
    assert main(put) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert scripted_server.requests == []
