from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from rag.page import signals
from rag.page.english import NOUNS as ENGLISH_NOUNS
from rag.page.english import SENTENCES as ENGLISH
from rag.page.romanian import NOUNS as ROMANIAN_NOUNS
from rag.page.romanian import SENTENCES as ROMANIAN
from rag.page.wording import Wording, wording

ROOT = Path(__file__).parents[2]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_say_the_same_when_a_sentence_is_needed() -> None:
    assert ENGLISH.keys() == ROMANIAN.keys()
    assert ENGLISH_NOUNS.keys() == ROMANIAN_NOUNS.keys()
    assert signals.ENGLISH.keys() == signals.ROMANIAN.keys()
    assert signals.ENGLISH_LISTED.keys() == signals.ROMANIAN_LISTED.keys()


def test_a_translation_takes_the_same_values_when_it_takes_any() -> None:
    differing = {"searched", "searched_unread"}  # Romanian counts the passages without a noun
    for key in ENGLISH.keys() - differing:
        assert placeholders(ENGLISH[key]) == placeholders(ROMANIAN[key]), key


def test_romanian_has_its_own_letters_when_it_is_written() -> None:
    phrases = [*signals.ROMANIAN.values(), signals.ROMANIAN_LISTED.values()]
    text = "".join([*ROMANIAN.values(), *(part for both in phrases for part in both)])
    assert not re.search("[şţŞŢ]", text)  # cedilla: another language's letters
    assert {"ă", "â", "î", "ș", "ț"} <= set(text)


@pytest.mark.parametrize(
    ("number", "counted"),
    [(0, "0 pagini"), (1, "1 pagină"), (2, "2 pagini"), (19, "19 pagini"), (20, "20 de pagini"),
     (101, "101 pagini"), (120, "120 de pagini")],
)  # fmt: skip
def test_romanian_counts_with_de_when_grammar_asks(number: int, counted: str) -> None:
    assert Wording("ro").count(number, "page") == counted


@pytest.mark.parametrize(
    ("browser", "language"),
    [("ro-RO", "ro"), ("ro", "ro"), ("RO-md", "ro"), ("en-GB", "en"), ("de", "en"), ("", "en"),
     ("rom", "en")],
)  # fmt: skip
def test_the_language_is_the_browsers_when_it_is_known(browser: str, language: str) -> None:
    assert wording(browser).language == language


def leaves(tree: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
    return found


def translation(path: Path) -> dict[str, str]:
    return leaves(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("language", ["en-US", "ro-RO"])
def test_chainlits_own_texts_are_complete_when_translated(language: str) -> None:
    chainlit = importlib.util.find_spec("chainlit")  # importing it takes seconds
    assert chainlit is not None
    assert chainlit.origin is not None
    original = translation(Path(chainlit.origin).parent / "translations/en-US.json")
    ours = translation(ROOT / f".chainlit/translations/{language}.json")
    assert ours.keys() == original.keys()
    assert {key for key, text in ours.items() if not text} == {
        "chat.messages.status.using",  # a step's name says all
        "chat.messages.status.used",
    }


def test_romanian_texts_differ_from_english_when_they_are_sentences() -> None:
    english = translation(ROOT / ".chainlit/translations/en-US.json")
    romanian = translation(ROOT / ".chainlit/translations/ro-RO.json")
    same = {key for key in english if english[key] == romanian[key] and english[key]}
    assert same == {"navigation.user.menu.settingsKey", "alerts.important", "alerts.beta"}
