from __future__ import annotations

from answering.drafts import draft, found
from answering.passages import chunk

from rag.types import Delta


def test_only_what_the_question_lacks_is_added_when_an_answer_repeats_it() -> None:
    assert draft("The colour of the sky is blue.").added == ["blue"]


def test_the_place_is_where_most_of_what_is_added_stands() -> None:
    place = draft("Jacques Piccard.", "Which colour is the sky?").place
    assert place is not None
    assert "piccard" in place.here["en"]
    assert "blue" not in place.here["en"]


def test_the_likeliest_place_is_the_one_that_holds_the_question() -> None:
    likeliest = draft(
        "Blue.", "When did Jacques Piccard see the ground of the sea?"
    ).reading.likeliest
    assert likeliest is not None
    assert "1960" in likeliest.here["en"]


def test_there_is_no_place_when_the_model_read_nothing() -> None:
    from dataclasses import replace

    from rag.answering.evidence import Reading
    from rag.types import Context

    nothing = replace(draft("Blue."), reading=Reading(found("Blue?"), Context("", (), 0, 0)))
    assert (nothing.place, nothing.reading.likeliest) == (None, None)


def test_logprobs_count_from_the_first_added_word_when_the_question_is_repeated() -> None:
    pieces = (
        Delta("The sky", (-0.1, -0.2)), Delta(" is", (-0.3,)), Delta(" bl", (-0.4,)),
        Delta("ue", (-0.5,)), Delta(".", (-0.6,)),
    )  # fmt: skip
    of = draft("The sky is blue.", logprobs=(-0.1, -0.2, -0.3, -0.4, -0.5, -0.6), pieces=pieces)
    assert of.answering_logprobs == [-0.4, -0.5, -0.6]


def test_no_logprobs_are_known_when_a_server_fills_in_zeros() -> None:
    pieces = (Delta("Blue.", (0.0, 0.0)),)
    assert draft("Blue.", logprobs=(0.0, 0.0), pieces=pieces).logprobs == ()
    assert draft("Blue.", logprobs=(0.0, 0.0), pieces=pieces).answering_logprobs == ()


def test_no_answering_logprobs_are_known_when_nothing_is_added() -> None:
    pieces = (Delta("The sky.", (-0.5, -0.1)),)
    assert draft("The sky.", logprobs=(-0.5, -0.1), pieces=pieces).answering_logprobs == ()


def test_words_are_missing_when_no_hit_holds_them() -> None:
    asked = found("Which zeppelin flew through the blue sky?", chunk("The sky is blue."))
    assert asked.missing == ("zeppelin", "flew", "through")
