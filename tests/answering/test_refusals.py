import pytest

from rag.answering.refusals import is_refusal, not_found, refuses


@pytest.mark.parametrize(
    "sentence",
    [
        "The answer is not in the documents.",
        "Based on the passage, it is not in the documents.",
        "It is not mentioned in the passages.",
        "The passages do not mention a rocket.",
        "The text doesn't say who wrote it.",
        "There is no information about that.",
        "I could not find the answer.",
        "I don't know.",
        "This cannot be determined from the text.",
        "Documentele nu conțin răspunsul.",
        "Acest lucru nu este menționat în text.",
        "Nu am găsit informația.",
        "Răspunsul nu se regăsește... nu apare în documente.",
    ],
)
def test_a_sentence_refuses_when_it_says_that_the_answer_is_not_there(sentence: str) -> None:
    assert is_refusal(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Fresno is the largest city that is not linked to an Interstate highway.",
        "A number that is not a prime number is called composite.",
        "Kenya does not curb corruption.",
        "Growth is not sufficient for progress.",
        "Nu, apa fierbe la 100 de grade.",
        "The sky is blue.",
    ],
)
def test_a_sentence_answers_when_it_merely_holds_a_negation(sentence: str) -> None:
    assert not is_refusal(sentence)


@pytest.mark.parametrize("language", ["en", "ro", "de", ""])
def test_our_own_words_are_known_as_a_refusal_when_they_come_back(language: str) -> None:
    assert is_refusal(not_found(language))


def test_only_the_first_sentence_refuses_when_there_are_more() -> None:
    assert refuses("It is not in the documents. The sky is blue.")
    assert not refuses("The sky is blue. The rest is not in the documents.")
    assert not refuses("")
