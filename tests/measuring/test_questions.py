from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import QuestionSetError
from rag.measuring.metrics import contained
from rag.measuring.questions import Question, read_questions

ROOT = Path(__file__).parent.parent.parent
OURS = read_questions(ROOT / "tests" / "qa" / "docs.jsonl")


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_question_is_read_when_the_line_has_all_fields(tmp_path: Path) -> None:
    line = '{"id": 7, "question": "When?", "answers": [1912], "document": "a.md", "page": 2}'
    [question] = read_questions(write(tmp_path / "qa.jsonl", line))
    assert question == Question(
        id="7", question="When?", answers=("1912",), document="a.md", page=2
    )
    assert question.is_answerable


def test_a_question_is_unanswerable_when_it_has_no_answers(tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "question": "When?", "answers": []}',
        "",
        '{"id": "b", "question": "W\u2028?", "answers": ["x"], "document": null, "more": 1}',
    ]
    first, second = read_questions(write(tmp_path / "qa.jsonl", *lines))
    assert not first.is_answerable
    assert second.is_answerable


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((), "qa.jsonl holds no questions."),
        (("", " "), "qa.jsonl holds no questions."),
        (("{",), "qa.jsonl, line 1: Invalid JSON"),
        (('{"id": "a", "question": "W?", "answers": []}', "[]"), "qa.jsonl, line 2: Input should"),
        (('{"id": "a", "question": "W?"}',), "qa.jsonl, line 1: answers: Field required."),
        (('{"id": "a", "question": " ", "answers": []}',), "qa.jsonl, line 1: question: String"),
        (('{"id": "a", "question": "W?", "answers": [""]}',), "qa.jsonl, line 1: answers.0: "),
        (('{"id": "a", "question": "W?", "answers": []}',) * 2, "qa.jsonl: the id a is there 2"),
    ],
)
def test_the_line_is_named_when_a_set_makes_no_sense(
    lines: tuple[str, ...], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(QuestionSetError) as raised:
        read_questions(write(tmp_path / "qa.jsonl", *lines))
    assert str(raised.value).startswith(complaint)


def test_it_is_refused_when_it_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "qa.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(QuestionSetError, match=r"qa\.jsonl is not UTF-8 text"):
        read_questions(path)
    with pytest.raises(QuestionSetError, match=r"missing\.jsonl cannot be read"):
        read_questions(tmp_path / "missing.jsonl")


# --- the set over our own documentation ------------------------------------------------------


def test_our_set_has_both_kinds_when_it_is_counted() -> None:
    assert len(OURS) == 43
    assert sum(not question.is_answerable for question in OURS) == 8


@pytest.mark.parametrize(
    "question", [question for question in OURS if question.is_answerable], ids=lambda q: str(q.id)
)
def test_an_answer_stands_in_its_document_when_the_set_is_ours(question: Question) -> None:
    assert question.document is not None
    text = (ROOT / "docs" / question.document).read_text(encoding="utf-8")
    assert contained(text, question.answers)
