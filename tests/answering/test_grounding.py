import pytest
from answering.passages import chunk

from rag.answering.grounding import Claim, Sources, content, is_in

TERMS = frozenset({"sky", "blue", "gptoss20b", "1977", "e", "4021"})


def test_stop_words_and_list_numbers_are_left_out_when_words_are_counted() -> None:
    assert content("1. The sky is blue\n2. in 1977", {"en"}) == ["sky", "blue", "1977"]


@pytest.mark.parametrize(
    ("sentence", "share"),
    [
        ("", 0.0),
        ("The skies are blue.", 1.0),
        ("The sky is red.", 0.5),
        ("Elephants forget.", 0.0),
    ],
)
def test_the_share_is_that_of_content_words_when_a_sentence_is_compared(
    sentence: str, share: float
) -> None:
    assert Claim.of(sentence, "en").share_in(TERMS) == share


def test_every_number_must_be_there_when_a_sentence_names_several() -> None:
    assert Claim.of("blue since 1977", "en").numbers_in(TERMS)
    assert not Claim.of("blue since 1977 or 1978", "en").numbers_in(TERMS)
    assert Claim.of("blue", "en").numbers_in(frozenset())


def test_a_compound_is_there_when_the_whole_or_all_its_parts_are() -> None:
    assert is_in(("gptoss20b", "gpt", "oss", "20b"), TERMS)
    assert is_in(("e4021", "e", "4021"), TERMS)
    assert not is_in(("e4022", "e", "4022"), TERMS)
    assert not is_in((), TERMS)


SOURCES = Sources.of(
    [
        chunk("Water boils at 100 degrees.", document="water.md"),
        chunk("Copiii merg la școală.", document="copii.md", language="ro"),
    ]
)


def test_a_text_is_compared_with_all_passages_when_they_are_in_two_languages() -> None:
    assert SOURCES.share("Boiling water") == 1.0
    assert SOURCES.share("Copiii merg la scoala") == 1.0
    assert SOURCES.share("Elephants") == 0.0


def test_the_share_is_unknown_when_a_text_has_no_words() -> None:
    assert SOURCES.share("?!") is None
    assert SOURCES.share("") is None


def test_numbers_are_told_apart_when_some_are_made_up() -> None:
    assert SOURCES.numbers("It boils at 100 or 101 degrees.") == {"100": True, "101": False}


def test_nothing_is_held_when_there_are_no_passages() -> None:
    assert Sources.of([]).share("The sky is blue") == 0.0
