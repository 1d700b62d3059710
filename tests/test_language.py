"""Language detection: short questions above all, since a wrong language means a wrong stemmer."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.language import detect, warm_up

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who is the director?", "en"),
        ("How do I reset it?", "en"),
        ("What is BM25?", "en"),
        ("and in 2023?", "en"),
        ("Cine este directorul?", "ro"),
        ("Cât costă livrarea?", "ro"),
        ("si in 2023?", "ro"),
        ("CARE ESTE TERMENUL DE LIVRARE?", "ro"),
        ("ce inseamna garantie extinsa", "ro"),
        ("Quelle est la capitale de la France ?", "fr"),
        ("Wie funktioniert der Motor?", "de"),
        ("¿Quién escribió este libro?", "es"),
        ("Quando è stato costruito?", "it"),
        ("Где находится офис?", "ru"),
        ("オフィスはどこですか", "ja"),
        ("દસ્તાવેજ ક્યાં છે?", "gu"),
    ],
)
def test_language_is_found_when_a_question_is_short(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", " \n\t", "2023", "12.5 % — 17", "?!", "\x00\x00", "\ud800"])
def test_nothing_is_claimed_when_there_are_no_words(text: str) -> None:
    assert detect(text) == ""


def test_nothing_is_claimed_when_a_single_word_is_anybodys() -> None:
    assert detect("total") == ""


def test_the_prevailing_language_is_found_when_a_long_text_opens_in_another() -> None:
    romanian = (
        "Contractul se încheie pe o durată de doi ani și poate fi prelungit prin acord. " * 200
    )
    assert detect("Confidential. Do not distribute. " + romanian) == "ro"


@settings(max_examples=50)
@given(st.text(st.characters(codec=None), max_size=200))
def test_the_answer_is_a_code_or_nothing_when_the_text_is_anything(text: str) -> None:
    assert len(detect(text)) in {0, 2}


def test_the_answers_are_the_same_when_the_model_was_loaded_before() -> None:
    before = detect("Cine este directorul?")
    warm_up()
    assert detect("Cine este directorul?") == before == "ro"


def _bare(text: str) -> str:
    folded = unicodedata.normalize("NFD", text)
    return "".join(char for char in folded if not unicodedata.combining(char))


@pytest.mark.parametrize("language", ["en", "ro"])
@pytest.mark.parametrize(
    ("bare", "tolerated"), [(False, 0.01), (True, 0.02)], ids=["as written", "bare lower case"]
)
def test_hardly_a_question_is_mistaken_when_it_has_four_to_ten_words(
    language: str, bare: bool, tolerated: float
) -> None:
    path = SHARED / f"xquad-{language}" / "qa.jsonl"
    if not path.exists():
        pytest.skip("the question sets in ../shared/data are not here")
    questions = [json.loads(line)["question"] for line in path.read_text("utf-8").splitlines()]
    short = [question for question in questions if 4 <= len(question.split()) <= 10]
    if bare:
        short = [_bare(question).lower().rstrip("?") for question in short]
    mistaken = [question for question in short if detect(question) != language]
    assert len(short) > 100
    assert len(mistaken) <= tolerated * len(short), mistaken
