from __future__ import annotations

import pytest
from retrieval.passages import chunk

from rag.retrieval.analysis import chunk_terms, content_words, query_terms, spans, terms
from rag.retrieval.stopwords import STOP_WORDS
from rag.types import Query


def test_terms_repeat_in_order_when_words_do() -> None:
    assert terms("Rivers and a river", "en") == ["river", "and", "a", "river"]


def test_title_and_section_are_terms_when_a_chunk_has_them() -> None:
    found = chunk_terms(chunk("Rain.", document="Annual_Report2023 final.pdf", section="Outlook"))

    assert found == ["annual", "report2023", "final", "outlook", "rain"]


def test_title_is_split_when_it_is_written_in_camel_case() -> None:
    assert chunk_terms(chunk("", document="folder/UserGuide.md")) == ["user", "guid"]


def test_a_question_loses_its_stop_words_when_others_are_left() -> None:
    assert dict(query_terms(Query("What is the capital of Kenya?"), {"en"})) == {
        "capit": 1.0,
        "kenya": 1.0,
    }
    assert dict(query_terms(Query("Care este capitala Kenyei?"), {"ro"})) == {
        "capital": 1.0,
        "kenye": 1.0,
    }


def test_a_question_keeps_its_words_when_all_are_stop_words() -> None:
    assert list(query_terms(Query("Who is it?"), {"en"})) == ["who", "is", "it"]


def test_capitals_are_kept_when_they_stand_out() -> None:
    assert list(query_terms(Query("What does WHO say?"), {"en"})) == ["who", "say"]
    assert list(query_terms(Query("WHAT DOES IT SAY?"), {"en"})) == ["say"]


def test_only_shared_stop_words_go_when_two_languages_are_level() -> None:
    words, likeliest = content_words("a die care", {"de", "en", "ro"})

    assert likeliest == {"ro"}  # "a" and "care"
    assert words == ["die"]


def test_each_language_stems_when_a_collection_holds_several() -> None:
    weights = query_terms(Query("What are the capitals?"), {"en", "ro"})

    assert dict(weights) == {"capit": 1.0, "capitals": 0.5}


def test_the_languages_of_the_collection_stem_when_the_question_is_in_none() -> None:
    assert dict(query_terms(Query("What are the capitals?"), {"ro"})) == {"capitals": 1.0}


def test_one_word_does_not_tell_a_language_when_the_collection_is_in_another() -> None:
    assert list(query_terms(Query("Die Hard"), {"en"})) == ["die", "hard"]
    assert list(query_terms(Query("Die Hard"), {"en", "de"})) == ["hard"]


@pytest.mark.parametrize("languages", [set(), {""}])
def test_words_are_taken_as_they_are_when_no_language_is_known(languages: set[str]) -> None:
    assert dict(query_terms(Query("What are the Capitals?"), languages)) == {"capitals": 1.0}


def test_background_weighs_less_when_the_question_has_other_terms() -> None:
    query = Query("And in 2023?", background="What was the revenue in 2022?")

    assert dict(query_terms(query, {"en"})) == {"2023": 1.0, "revenu": 0.25, "2022": 0.25}


def test_a_term_keeps_its_weight_when_the_background_has_it_too() -> None:
    assert dict(query_terms(Query("revenue", background="Revenues?"), {"en"})) == {"revenu": 1.0}


def test_there_are_no_terms_when_there_is_no_question() -> None:
    assert dict(query_terms(Query(""), {"en"})) == {}


def test_words_are_limited_when_a_page_is_pasted() -> None:
    weights = query_terms(Query(" ".join(f"word{n}" for n in range(20_000))), {"en"})

    assert len(weights) == 256


def test_spans_mark_words_when_they_share_a_term() -> None:
    text = "Rivers flow; the river-bank is 1,000 m long."
    wanted = {"river", "1000"}

    assert [text[start:end] for start, end in spans(text, wanted, "en")] == [
        "Rivers",
        "river-bank",
        "1,000",
    ]


def test_spans_are_empty_when_nothing_is_wanted() -> None:
    assert list(spans("Rivers flow", set(), "en")) == []


@pytest.mark.parametrize("language", STOP_WORDS)
def test_stop_words_are_folded_when_they_are_listed(language: str) -> None:
    assert all(word.isascii() and word.islower() for word in STOP_WORDS[language])
