from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import Stemmer

from rag.retrieval.words import WORD, folded, word_terms


def terms(text: str, language: str = "en") -> list[str]:
    return [term for word in WORD.findall(text) for term in word_terms(word, language)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("gpt-oss-20b", ["gptoss20b", "gpt", "oss", "20b"]),
        ("E-4021", ["e4021", "e", "4021"]),
        ("ISO 9001", ["iso", "9001"]),
        ("192.168.1.10", ["192.168.1.10", "192", "168", "1", "10"]),
        ("v1.2.3", ["v1.2.3", "v1", "2", "3"]),
        ("2023-05-01", ["20230501", "2023", "05", "01"]),
        ("ana.pop@example.ro", ["ana.pop@example.ro", "ana", "pop", "exampl", "ro"]),
        ("my_var_name", ["my_var_name", "my", "var", "name"]),
        ("C++ and C#", ["c++", "c", "and", "c#", "c"]),
        ("AT&T", ["at&t", "at", "t"]),
    ],
)
def test_an_identifier_is_kept_whole_when_it_has_parts(written: str, expected: list[str]) -> None:
    assert terms(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3.14", ["3.14"]),
        ("3,14", ["3.14"]),
        ("1000", ["1000"]),
        ("1,000", ["1000"]),
        ("1.000", ["1000"]),
        ("1,234,567.50", ["1234567.50"]),
        ("1.234.567,50", ["1234567.50"]),
        ("0.125", ["0.125"]),
        ("20%", ["20"]),
        ("1,2,3", ["1,2,3", "1", "2", "3"]),
    ],
)
def test_a_number_has_one_spelling_when_separators_differ(
    written: str, expected: list[str]
) -> None:
    assert terms(written) == expected


def test_hyphen_and_no_hyphen_meet_when_a_compound_is_written_both_ways() -> None:
    assert set(terms("e-mails")) >= set(terms("email"))
    assert set(terms("E-4021")) >= set(terms("E4021"))


def test_dots_are_dropped_when_a_word_is_initials() -> None:
    assert terms("U.S. R&D a.m.") == ["us", "rd", "am"]


@pytest.mark.parametrize(
    "written", ["învățământul", "învăţământul", "invatamantul", "ÎNVĂȚĂMÂNTUL"]
)
def test_romanian_spellings_meet_when_diacritics_differ(written: str) -> None:
    assert terms(written, "ro") == ["invatam"]


def test_accents_are_used_before_they_go_when_a_stemmer_needs_them() -> None:
    assert terms("könyvből", "hu") == terms("könyvek", "hu") == ["konyv"]


def test_letters_keep_their_marks_when_the_script_is_not_latin() -> None:
    assert terms("чай", "ru") == ["ча"]
    assert terms("किताबें", "hi") == ["किताब"]
    assert folded("мой") == "мой"


def test_compatibility_forms_become_letters_when_a_pdf_has_them() -> None:
    assert terms("ﬁnance co\u00adoperate ｆｕｌｌ") == ["financ", "cooper", "full"]


def test_words_are_not_stemmed_when_the_language_is_unknown() -> None:
    assert terms("Running dogs", "") == ["running", "dogs"]
    assert terms("Running dogs", "xx") == ["running", "dogs"]


@pytest.mark.parametrize("nothing", ["", " \n", "😀👍🏽", "___", "+-*/ !?", "\ud800"])
def test_there_are_no_terms_when_there_are_no_words(nothing: str) -> None:
    assert terms(nothing) == []


def test_terms_stay_short_when_a_word_is_endless() -> None:
    assert max(map(len, terms("a" * 100_000))) == 64
    assert max(map(len, terms("a-" * 50_000))) <= 64


def test_stems_are_right_when_many_threads_ask() -> None:
    letters = "bcdfglmnprst"
    words = [f"{a}o{b}a{c}ing" for a in letters for b in letters for c in letters]  # none seen yet
    asked = [(word, language) for word in words for language in ("en", "ro")]
    oracles = {"en": Stemmer.Stemmer("english"), "ro": Stemmer.Stemmer("romanian")}

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: word_terms(*each), asked))

    assert found == [(oracles[language].stemWord(word),) for word, language in asked]
