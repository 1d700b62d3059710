import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.sentences import spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in spans(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" \n\n ", []),
        ("one", ["one"]),
        ("One. Two", ["One.", "Two"]),
        (" One.\n\nTwo.  ", ["One.", "Two."]),
        ("It is blue. [1] It is red [2].", ["It is blue. [1]", "It is red [2]."]),
        ("It is blue. [1]", ["It is blue. [1]"]),
        ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
        ("Mr. Pop of the U.S. Army left. Why?", ["Mr. Pop of the U.S. Army left.", "Why?"]),
        ("See no. 5 and Fig. 2. Then go.", ["See no. 5 and Fig. 2.", "Then go."]),
        ("It costs 3.5 euros, e.g. today.", ["It costs 3.5 euros, e.g. today."]),
        ("What?! Și apoi… Încă una.", ["What?!", "Și apoi…", "Încă una."]),
        ("These are:\n- a\n- b\n1. c", ["These are:", "- a", "- b", "1. c"]),
        ("A line\nthat goes on.", ["A line\nthat goes on."]),
        ("| a | b |\n| c | d |", ["| a | b |", "| c | d |"]),
        ("第一句。第二句。", ["第一句。", "第二句。"]),
    ],
)
def test_a_text_is_cut_where_sentences_end(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@given(st.text(st.sampled_from("Ab. ?!\n-|[1]“”。"), max_size=60))
def test_nothing_but_space_is_lost_whatever_the_text(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    ends = [at for span in spans(text) for at in span]
    assert ends == sorted(ends)
