"""Thinking told from answers, whatever the notation and however the server cuts it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.models.gathering import Gathered
from rag.models.reasoning import Channels

HARMONY = (
    "<|channel|>analysis<|message|>They ask where.<|end|><|start|>assistant"
    "<|channel|>final<|message|>In Iași.<|return|>"
)
Told = tuple[str, str]  # text, reasoning


def told(pieces: list[str], finish_reason: str = "stop", *, thinks_first: bool = False) -> Told:
    """The sums of all deltas; a text that proved to be thinking counts as that alone."""
    channels = Channels(thinks_first=thinks_first)
    told = [*map(channels.feed, pieces), channels.end(finish_reason)]
    assert "".join(text for text, _ in told).endswith(channels.text)
    assert "".join(reasoning for _, reasoning in told).startswith(channels.reasoning)
    return channels.text, channels.reasoning


@pytest.mark.parametrize(
    ("written", "text", "reasoning"),
    [
        ("", "", ""),
        ("  Hello.\n", "  Hello.\n", ""),
        (" \n", " \n", ""),
        ("<think>They ask.</think>In Iași.", "In Iași.", "They ask."),
        ("\n<think>\nThey ask.\n</think>\n\nIn Iași.\n", "In Iași.\n", "They ask.\n"),
        ("<thinking>They ask.</thinking>In Iași.", "In Iași.", "They ask."),
        ("<reasoning>They ask.</reasoning>In Iași.", "In Iași.", "They ask."),
        ("<THINK>They ask.</Think>In Iași.", "In Iași.", "They ask."),
        ("<think>\n\n</think>\n\nIn Iași.", "In Iași.", ""),
        ("</think>\nIn Iași.", "In Iași.", ""),
        ("<think>One.</think>\n<think>Two.</think>In Iași.", "In Iași.", "One.Two."),
        ("<think>a<think>b</think>c</think>d", "d", "a<think>b</think>c"),
        (HARMONY, "In Iași.", "They ask where."),
        ("<|start|>assistant" + HARMONY, "In Iași.", "They ask where."),
        ("<|channel|>final<|message|>In Iași.<|return|>", "In Iași.", ""),
        ("<|channel|>analysis<|message|>They ask.<|end|>In Iași.", "In Iași.", "They ask."),
        (
            "<|channel|>commentary to=search <|constrain|>json<|message|>{}<|call|>",
            "",
            "{}",
        ),
    ],
)
def test_thinking_is_told_from_the_answer_when_it_is_marked(
    written: str, text: str, reasoning: str
) -> None:
    assert told([written]) == (text, reasoning)
    assert told(list(written)) == (text, reasoning)


@pytest.mark.parametrize(
    "written",
    [
        "Write <think> before it, and </think> after it.",
        "Close it with `</think>`.",
        "The mark is “</think>”.",
        "a < b, <b>bold</b>, <thin",
        "<",
        "It ends in <|return|> or <|end|>.",
        "<|end|> is a token.",
        "<thinker>no</thinker>",
    ],
)
def test_answer_is_left_whole_when_it_only_speaks_of_marks(written: str) -> None:
    assert told([written]) == (written, "")
    assert told(list(written)) == (written, "")


def test_later_marks_are_text_when_the_thinking_is_over() -> None:
    written = "<think>Hm.</think>Write <think>, then </think>."
    assert told(list(written)) == ("Write <think>, then </think>.", "Hm.")


def test_all_before_is_thinking_when_only_the_closing_mark_comes() -> None:
    channels = Channels()
    assert channels.feed("They ask.") == ("They ask.", "")
    assert channels.feed("\n</think>\n\nIn Iași.") == ("In Iași.", "They ask.\n")
    channels.end("stop")
    assert (channels.text, channels.reasoning) == ("In Iași.", "They ask.\n")
    assert channels.thinks_first


def test_nothing_is_shown_as_answer_when_the_model_is_known_to_think_first() -> None:
    channels = Channels(thinks_first=True)
    assert channels.feed("They ask.") == ("", "They ask.")
    assert channels.feed("</think>In Iași.") == ("In Iași.", "")


@pytest.mark.parametrize(
    ("written", "text", "reasoning"),
    [
        ("In Iași.", "In Iași.", ""),  # it did not think this time
        ("<think>They ask.</think>In Iași.", "In Iași.", "They ask."),
    ],
)
def test_known_habit_does_no_harm_when_the_model_departs_from_it(
    written: str, text: str, reasoning: str
) -> None:
    assert told(list(written), thinks_first=True) == (text, reasoning)


@pytest.mark.parametrize(
    "written",
    ["<think>They ask and", "<|channel|>analysis<|message|>They ask and", "<think> They ask and"],
)
@pytest.mark.parametrize("finish_reason", ["length", "stop"])
def test_there_is_no_answer_when_the_thinking_never_ends(written: str, finish_reason: str) -> None:
    assert told(list(written), finish_reason) == ("", "They ask and")


def test_known_habit_gives_no_answer_when_the_budget_went_into_thinking() -> None:
    assert told(["They ask and"], "length", thinks_first=True) == ("", "They ask and")


def test_answer_is_not_lost_when_a_mark_was_quoted_while_thinking() -> None:
    written = "<think>They ask about <think> marks.</think>\nThey are marks."
    assert told(list(written)) == (
        "They are marks.",
        "They ask about <think> marks.</think>",
    )


def test_header_is_text_when_nothing_follows_it() -> None:
    assert told(["<|channel|>Press it."]) == ("Press it.", "")


# --- figures


@pytest.mark.parametrize(
    ("tokens", "figures"),
    [
        (["In ", "Iași"], (-1.0, -2.0)),
        (["<think>", "Hm", "</think>", "\n\n", "In"], (-5.0,)),
        (["<", "think", ">", "Hm", "</", "think", ">", "In"], (-8.0,)),
        (["<", "b", ">"], (-1.0, -2.0, -3.0)),
        ([" ", "<b"], (-1.0, -2.0)),
        (["Hm", "</think>", "In"], (-3.0,)),
        (["<think>", "Hm"], ()),
        (["", "a"], (-1.0, -2.0)),  # half a letter
        (["<think>", "", "é", "</think>", "a"], (-5.0,)),
        (["a", "<th"], (-1.0, -2.0)),
    ],
)
def test_figures_are_those_of_the_answer_alone_when_tokens_are_told_apart(
    tokens: list[str], figures: tuple[float, ...]
) -> None:
    gathered, told = Gathered(), []
    for place, token in enumerate(tokens, start=1):
        logprobs = {"content": [{"token": token, "logprob": -float(place)}]}
        told.append(
            gathered.add({"choices": [{"delta": {"content": token}, "logprobs": logprobs}]})
        )
    told.append(gathered.end())
    assert (gathered.reply("m").logprobs or ()) == figures
    assert tuple(x for delta in told if delta for x in delta.logprobs)[-len(figures) :] == figures


# --- any text, any cut

TAGS = ["<think>", "</think>", "</reasoning>"]
TOKENS = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"]
WORDS = ["analysis", "final", "assistant", "<", "</th", "`", " ", "\n", "Hello", "é", "K\u212aſ"]
written_texts = st.lists(st.sampled_from([*TAGS, *TOKENS, *WORDS]), max_size=12).map("".join)
cuts = st.lists(st.integers(0, 80), max_size=10)


@given(written_texts, cuts, st.booleans(), st.sampled_from(["stop", "length"]))
@example("thin\u212a</thin\u212a>", [3, 9, 11], False, "stop")
def test_cut_makes_no_difference_when_the_text_is_the_same(
    written: str, cuts: list[int], thinks_first: bool, finish_reason: str
) -> None:
    edges = [0, *sorted(min(cut, len(written)) for cut in cuts), len(written)]
    pieces = [written[a:b] for a, b in pairwise(edges)]
    whole = told([written], finish_reason, thinks_first=thinks_first)
    assert told(pieces, finish_reason, thinks_first=thinks_first) == whole


@given(st.lists(st.sampled_from([*TAGS, *WORDS]), max_size=12).map("".join), st.booleans())
def test_no_word_is_lost_when_anything_is_written(written: str, thinks_first: bool) -> None:
    text, reasoning = told(list(written), thinks_first=thinks_first)
    marks = re.compile(r"</?(think|reasoning)>|\s")
    assert marks.sub("", reasoning + text) == marks.sub("", written)


@given(st.text(st.characters(exclude_characters="<")))
def test_text_is_left_as_it_is_when_it_holds_no_mark(written: str) -> None:
    assert told(list(written)) == (written, "")
