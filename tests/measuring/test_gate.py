from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.errors import QuestionSetError
from rag.measuring.gate import changes, read_scores, write_scores


def run(right: int, of: int = 30) -> dict[str, dict[str, float]]:
    return {str(at): {"answer_contained": float(at < right)} for at in range(of)}


def test_nothing_is_worse_when_both_runs_are_equal() -> None:
    [change] = changes(run(20), run(20))
    assert (change.score, change.before, change.after) == ("answer_contained", 20 / 30, 20 / 30)
    assert (change.difference.low, change.difference.high) == (0.0, 0.0)
    assert not change.is_regression


@pytest.mark.parametrize(
    ("right", "regressed"), [(25, False), (20, False), (17, False), (16, True), (0, True)]
)
def test_it_is_a_regression_when_more_got_worse_than_chance_explains(
    right: int, regressed: bool
) -> None:
    [change] = changes(run(20), run(right))
    assert change.is_regression is regressed


@pytest.mark.parametrize(
    ("score", "worse_when_higher", "worse_when_lower"),
    [
        ("declined_when_unanswerable", False, True),
        ("marked_when_right", True, False),
        ("judged_wrong_when_accepted", True, False),
        ("escalated", False, False),
    ],
)
def test_the_direction_is_the_scores_own_when_it_changed(
    score: str, worse_when_higher: bool, worse_when_lower: bool
) -> None:
    low, high = ({str(at): {score: value} for at in range(30)} for value in (0.0, 1.0))
    [[higher], [lower]] = changes(low, high), changes(high, low)
    assert higher.is_regression is worse_when_higher
    assert lower.is_regression is worse_when_lower


def test_it_is_no_regression_when_as_many_got_better_as_worse() -> None:
    before = {str(at): {"mrr": 0.0, "answer_contained": float(at % 2)} for at in range(30)}
    after = {str(at): {"answer_contained": float((at + 1) % 2)} for at in range(30)}
    [change] = changes(before, after)
    assert change.before == change.after == 0.5
    assert not change.is_regression


def test_only_shared_questions_count_when_runs_differ() -> None:
    [change] = changes(run(20), run(2, of=2))
    assert (change.difference.count, change.before, change.after) == (2, 1.0, 1.0)
    assert changes(run(1), {}) == changes({}, {}) == ()
    assert changes({"a": {"answer_contained": 1.0}}, {"a": {}}) == ()


def test_scores_are_read_when_a_summary_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"questions": 30, "by_question": run(20)}), encoding="utf-8")
    assert read_scores(path, {"29", "new"}) == run(20)
    with pytest.raises(QuestionSetError, match="is of other questions"):
        read_scores(path, {"new"})


def test_scores_are_read_back_a_line_a_question_when_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    write_scores(path, run(1, of=2))
    assert path.read_text() == (
        '{"by_question": {\n"0": {"answer_contained": 1.0},\n"1": {"answer_contained": 0.0}\n}}\n'
    )
    assert read_scores(path, {"0"}) == run(1, of=2)
    write_scores(path, {})
    assert json.loads(path.read_text()) == {"by_question": {}}
    with pytest.raises(QuestionSetError, match="cannot be written"):
        write_scores(tmp_path, {})


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"by_question": {"a": 1}}'])
def test_a_file_is_refused_when_it_is_no_summary(text: str, tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QuestionSetError, match=r"before\.json does not hold the scores of a run"):
        read_scores(path, {"a"})
