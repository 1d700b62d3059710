"""The report on made-up answers, and the command over files of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from measuring import examplemaking
from scripted_server import Scripted, ScriptedServer

from rag.answering import calibration
from rag.cli import main
from rag.commands import calibrate as command
from rag.measuring import rows
from rag.measuring.calibrate import calibrated
from rag.measuring.examples import examples_of
from rag.measuring.reports.calibration import charts

SMALL, LARGE = examplemaking.rows()
EXAMPLES = examples_of(SMALL, LARGE)

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def report() -> Any:
    return calibrated(EXAMPLES).report


def value(report: Any, scorer: str, *path: str) -> float:
    found = report["scorers"][scorer]
    for name in path:
        found = found[name]
    return found["value"]


# --- the report


def test_chance_and_knowledge_are_the_limits_when_scorers_are_compared(report: Any) -> None:
    assert value(report, "random", "auroc") == 0.5
    assert value(report, "random", "escalation", "area") == pytest.approx(0.5)
    assert value(report, "oracle", "auroc") == 1.0
    for name in report["scorers"]:
        assert value(report, name, "auroc") <= 1.0
        assert value(report, name, "escalation", "area") <= value(
            report, "oracle", "escalation", "area"
        )
    assert value(report, "calibrated", "auroc") > value(report, "length", "auroc")
    assert report["scorers"]["random"]["escalation"]["curve"][-1] == [1.0, pytest.approx(1.0)]


def test_as_many_are_escalated_as_are_wrong_when_the_threshold_is_chosen(report: Any) -> None:
    right = sum(example.right for example in EXAMPLES)
    assert report["at_accept"]["accepted"]["value"] == right / len(EXAMPLES)
    assert 0 < report["accept"] < 1


def test_both_models_are_told_when_both_were_asked(report: Any) -> None:
    assert (report["examples"], report["compared"], report["documents"]) == (60, 60, 6)
    assert report["large_right"]["value"] == pytest.approx(51 / 60)
    assert report["gap"]["value"] == pytest.approx(
        report["large_right"]["value"] - report["small_right"]["value"]
    )


def test_always_asking_one_model_is_told_when_both_were_asked(report: Any) -> None:
    small, large = report["baselines"]["always_slm"], report["baselines"]["always_llm"]
    assert (small["right"], small["recovered"]) == (report["small_right"], 0.0)
    assert (large["right"], large["recovered"]) == (report["large_right"], 1.0)


def test_nothing_is_said_of_escalation_when_there_is_no_larger_model() -> None:
    found = calibrated(examples_of(SMALL, [])).report
    assert (found["compared"], found["large_right"], found["gap"]) == (0, None, None)
    assert {scored["escalation"] for scored in found["scorers"].values()} == {None}
    assert len(charts(found)) == 2


def test_the_chart_is_one_file_of_its_own_when_it_is_drawn(report: Any) -> None:
    picture = command.picture(report)
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    links = {
        link
        for element in root.iter()
        for name, link in element.attrib.items()
        if name.endswith("href")
    }
    assert all(link.startswith("#") for link in links)
    assert command.picture(report) == picture


# --- the command


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(calibration, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(command, "SHIPPED", tmp_path / "shipped")
    monkeypatch.chdir(tmp_path)
    Path("shipped").mkdir()
    Path("manuals").mkdir()
    Path("qa.jsonl").write_text("".join(examplemaking.lines(SMALL)), encoding="utf-8")
    for name, made in (("slm.jsonl", SMALL), ("llm.jsonl", LARGE)):
        for each in made:
            rows.append(Path(name), each)


SET = ["--qa", "qa.jsonl", "--docs", "manuals"]
KEPT = [*SET, "--slm-rows", "slm.jsonl", "--llm-rows", "llm.jsonl"]


def test_weights_report_and_chart_are_written_when_all_answers_are_there(capsys: Output) -> None:
    assert main(["calibrate", *KEPT, "--out", "out", "--write", "mine", "--json"]) == 0
    ended = json.loads(capsys.readouterr().out)
    assert list(ended) == [
        *("calibration", "examples", "documents", "small_right", "compared", "large_right", "gap"),
        "baselines",
        *("accept", "at_accept", "ece", "brier", "reliability", "scorers", "signals"),
        *("files", "rows", "seconds"),
    ]
    assert list(ended["scorers"]) == [
        *("calibrated", "as_judged", "mean_logprob", "least_logprob", "length", "random", "oracle")
    ]
    weights = calibration.read(Path("shipped/mine.json").read_text(encoding="utf-8"))
    assert (weights.name, weights.model) == ("mine", "slm")
    assert weights.logprobs == ("least_probability" in weights.weights)
    assert weights.prompt == calibration.prompt_key(command.INSTRUCTIONS["sentence"])
    assert weights.thresholds == {"accept": ended["accept"]}
    assert weights.fitted_on.startswith("60 answers from 6 documents (qa), ")
    assert json.loads(Path("out/calibration.json").read_text())["signals"] == ended["signals"]
    assert Path("out/calibration.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_table_is_shown_when_a_person_calibrates(capsys: Output) -> None:
    assert main(["calibrate", *KEPT]) == 0
    output = capsys.readouterr().out
    assert "calibrated " in output
    assert "coverage " in output
    assert "weights" not in output  # nothing is used from now on
    assert Path("data/calibration/calibration.svg").exists()


def test_weights_of_their_own_are_fitted_when_servers_give_no_logprobs(capsys: Output) -> None:
    assert main(["calibrate", *KEPT, "--no-logprobs", "--write", "blind", "--json"]) == 0
    capsys.readouterr()
    weights = calibration.read(Path("shipped/blind.json").read_text(encoding="utf-8"))
    assert (weights.logprobs, set(weights.weights)) == (False, {"coverage"})


def test_another_name_is_refused_when_weights_for_the_same_answers_have_one(
    capsys: Output,
) -> None:
    assert main(["calibrate", *KEPT, "--write", "ours"]) == 0
    assert main(["calibrate", *KEPT, "--no-logprobs", "--write", "blind"]) == 0
    calibration._shipped.cache_clear()
    assert main(["calibrate", *KEPT, "--write", "mine"]) == 2
    assert "--write ours" in capsys.readouterr().err
    assert sorted(file.name for file in Path("shipped").iterdir()) == ["blind.json", "ours.json"]


def test_every_signal_of_logprobs_is_known_when_they_are_left_out() -> None:
    assert command.of_logprobs() == {
        "first_margin", "least_probability", "least_window", "low_quantile", "mean_probability",
        "answer_first_margin", "answer_least_probability", "answer_least_window",
        "answer_mean_probability",
    }  # fmt: skip


def test_two_sets_are_one_when_both_are_given(capsys: Output) -> None:
    assert main(["calibrate", *KEPT, *KEPT, "--limit", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examples"] == 60


def test_both_sides_are_asked_when_no_answers_are_there(
    capsys: Output, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_SLM", f"{scripted_server.base_url}#small")
    monkeypatch.setenv("RAG_LLM", "none")
    monkeypatch.setenv("RAG_WORKERS", "1")
    questions = [
        {"id": name, "question": f"When is the {name} changed?", "answers": [f"{name} hours"],
         "document": f"{name}.md", "page": 1}
        for name in ("oil", "lamp", "belt", "hose")
    ]  # fmt: skip
    Path("two.jsonl").write_text("".join(json.dumps(each) + "\n" for each in questions))
    for each in questions:
        Path("manuals", str(each["document"])).write_text(f"{each['question']} {each['answers']}")
    right = [Scripted(deltas=(f"It is {name} hours.",)) for name in ("oil", "lamp")]
    wrong = [Scripted(deltas=("It is 9,999 rainy dragons.",))] * 2
    scripted_server.script(Scripted(), *right, *wrong)
    arguments = ["--qa", "two.jsonl", "--docs", "manuals", "--slm-rows", "new.jsonl", "--json"]
    assert main(["calibrate", *arguments]) == 0
    output = capsys.readouterr()
    ended = json.loads(output.out)
    assert (ended["examples"], ended["gap"], ended["calibration"]["logprobs"]) == (4, None, False)
    assert "set RAG_LLM" in output.err
    assert len(Path("new.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([*SET, "--qa", "qa.jsonl"], "Give each --qa its --docs"),
        ([*KEPT, *SET], "rows to all of them or to none"),
        ([*KEPT, "--write", "../mine"], "A name is made of small letters"),
        ([*KEPT, "--write", "retrieval"], "choose another name"),
        ([*SET, "--slm-rows", "llm.jsonl"], "holds answers of another mode: llm"),
    ],
)
def test_one_sentence_refuses_it_when_the_usage_is_bad(
    arguments: Sequence[str], sentence: str, capsys: Output
) -> None:
    assert main(["calibrate", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert sentence in output.err
    assert output.err.count("\n") == 1


def test_nothing_is_asked_or_written_when_a_tool_is_missing(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["calibrate", *SET, "--slm-rows", "new.jsonl", "--write", "mine"]) == 1
    error = capsys.readouterr().err
    assert error == (
        "Calibrating needs sklearn: pip install -r requirements-dev.txt, and try again.\n"
    )
    assert not Path("new.jsonl").exists()
    assert list(Path("shipped").iterdir()) == []


def test_a_report_is_written_when_it_is_wanted(capsys: Output) -> None:
    assert main(["calibrate", *KEPT, "--report", "judge.html"]) == 0
    page = Path("judge.html").read_text(encoding="utf-8")
    for title in (
        "How far can the answers of slm be trusted?",
        "Can the probability be trusted?",
        "How many of the accepted drafts are wrong?",
        "What does escalation buy?",
        "Weights of the signals, the weightiest first",
    ):
        assert title in page
    assert "RAG_SLM" in page
    assert f"calibrate {' '.join(KEPT)} --report judge.html" in page
