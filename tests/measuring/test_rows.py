from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from measuring.rowmaking import DEPTH, UNHELD, answer, citation, row

from rag.errors import QuestionSetError
from rag.measuring.rows import Found, append, resumed
from rag.types import Confidence, Signal

QUESTIONS = (DEPTH, UNHELD)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_a_row_is_the_same_when_it_was_kept_and_read(file: Path) -> None:
    judged = Confidence(0.5, "escalate", {"a": Signal(0.1, 0.5, 1.0), "b": Signal(None)}, ("Why.",))
    given = dataclasses.replace(
        answer("Adânc:\u2028[1]", citations=(citation(),)), confidence=judged
    )
    kept = row(DEPTH, given, found=(Found("sea.md", 4, holds_answer=True),))
    append(file, kept)
    append(file, row(UNHELD, answer(cost_usd=None)))
    assert resumed(file, QUESTIONS, "slm") == (kept, row(UNHELD, answer(cost_usd=None)))


def test_nothing_is_done_when_the_file_is_empty(file: Path) -> None:
    file.touch()
    assert resumed(file, QUESTIONS, "slm") == ()


def test_the_torn_line_is_cut_off_when_a_run_was_stopped_in_it(file: Path) -> None:
    append(file, row(DEPTH, answer("Adânc [1].")))
    whole = file.read_bytes()
    append(file, row(UNHELD, answer()))
    file.write_bytes(file.read_bytes()[:-20])
    assert resumed(file, QUESTIONS, "slm") == (row(DEPTH, answer("Adânc [1].")),)
    assert file.read_bytes() == whole


def test_a_failed_question_is_left_to_do_when_a_run_goes_on(file: Path) -> None:
    append(file, row(DEPTH, None, error="The model is gone."))
    assert resumed(file, QUESTIONS, "slm") == ()
    append(file, row(DEPTH, answer()))
    assert resumed(file, QUESTIONS, "slm") == (row(DEPTH, answer()),)


def test_a_run_is_refused_when_it_was_another(file: Path) -> None:
    append(file, row(DEPTH, answer()))
    with pytest.raises(QuestionSetError, match="another mode: slm"):
        resumed(file, QUESTIONS, "llm")
    with pytest.raises(QuestionSetError, match="other questions: depth differs"):
        resumed(file, (UNHELD,), "slm")
    reworded = DEPTH.model_copy(update={"answers": ("4 km",)})
    with pytest.raises(QuestionSetError, match="depth differs"):
        resumed(file, (reworded, UNHELD), "slm")


def test_a_file_is_refused_when_it_holds_something_else(file: Path) -> None:
    file.write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(QuestionSetError, match="does not hold the rows"):
        resumed(file, QUESTIONS, "slm")


def test_a_sentence_is_raised_when_a_row_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(QuestionSetError, match="cannot be written"):
        append(tmp_path, row())
