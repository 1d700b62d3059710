"""What a server's figures prove, and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.truncation import (
    CutPrompt,
    cut_prompt,
    is_at_limit,
    is_finished,
    least_tokens,
)
from rag.tokens import count_tokens
from rag.types import Message

ENGLISH = "The oil of the pump is changed once a year, and its filter twice. "  # 16 tokens
ROMANIAN = "Uleiul pompei se schimbă o dată pe an, iar filtrul ei de două ori. "  # 27
CODE = "def area(width, height):\n    return width * height  # in metres\n"
TABLE = "| Pump 7 | 1,204.50 | 2024-03-01 |\n"
CHINESE = "水泵的机油每年更换一次，过滤器每年更换两次。"
SYSTEM = Message("system", "Answer the question.")

# Tokens of real tokenizers, divided by our count of the same texts:
# docs/decisions/0096-cut-prompts.md.
HEALTHY = {
    "English, Llama 3.2": (ENGLISH, 1.00),
    "English, Gemma 2": (ENGLISH, 0.97),
    "English, SmolLM2": (ENGLISH, 1.15),
    "Romanian, Gemma 2": (ROMANIAN, 0.80),
    "Romanian, SmolLM2": (ROMANIAN, 1.31),
    "code, Gemma 2": (CODE, 0.94),
    "table, Qwen 2.5": (TABLE, 1.54),
    "Chinese, Gemma 2": (CHINESE, 0.54),
}


def asked(text: str, tokens: int) -> tuple[Message, ...]:
    """A prompt of at least so many tokens by our count."""
    times = tokens // count_tokens(text) + 1
    return SYSTEM, Message("user", text * times)


# --- prompts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("", 0),
        ("one", 1),
        ("The pump's oil, 3.5 litres", 8),
        ("don't", 1),
        ("well-known", 2),
        ("snake_case(x)", 4),
        ("水泵的机油每", 2),
        ("สวัสดีครับ", 2),
        ("हिन्दी में", 2),
        (" \n\t ", 0),
    ],
)
def test_a_text_needs_a_token_a_word_when_no_tokenizer_needs_fewer(text: str, least: int) -> None:
    assert least_tokens(text) == least


@given(st.text())
def test_no_text_needs_more_than_a_real_tokenizer_when_its_least_is_told(text: str) -> None:
    assert least_tokens(text) <= count_tokens(text)


@pytest.mark.parametrize(("text", "ratio"), HEALTHY.values(), ids=HEALTHY.keys())
@pytest.mark.parametrize("tokens", [100, 700, 1500, 3000])
def test_there_is_no_alarm_when_a_tokenizer_counts_in_its_own_way(
    text: str, ratio: float, tokens: int
) -> None:
    prompt = asked(text, tokens)
    sent = sum(count_tokens(message.content) for message in prompt)
    assert cut_prompt(prompt, int(sent * ratio) + 20, None) is None
    assert cut_prompt(prompt, int(sent * ratio) + 20, 32_768) is None


@pytest.mark.parametrize("text", [ENGLISH, ROMANIAN, CODE, TABLE, CHINESE])
@pytest.mark.parametrize(("read", "window"), [(2048, 2048), (1026, 2048), (2050, 3072)])
def test_it_is_noticed_when_a_server_reads_a_full_context_or_half_of_one(
    text: str, read: int, window: int
) -> None:
    """2,050 of 4,096 is what was assumed, so the tokens of this model are small: plan for less."""
    cut = cut_prompt(asked(text, 3500), read, None)
    assert cut is not None
    assert (cut.read_tokens, cut.window_tokens) == (read, window)


def test_it_is_noticed_when_less_was_read_than_any_tokenizer_needs() -> None:
    prompt = asked(ENGLISH, 3000)
    assert cut_prompt(prompt, 1500, None) == CutPrompt(1500, 2837, 1500)


def test_it_is_noticed_when_the_known_context_is_full() -> None:
    """Its tokenizer needs more than was thought, or it would not be."""
    cut = cut_prompt(asked(ENGLISH, 3000), 4096, 4096)
    assert cut is not None
    assert cut.window_tokens == 3072


def test_it_is_noticed_when_the_reply_did_not_fit_beside_the_prompt() -> None:
    prompt = asked(ENGLISH, 3000)
    assert cut_prompt(prompt, 3000, 4096, 1096) is None  # it fitted, or was ended in time
    cut = cut_prompt(prompt, 3000, 4096, 1097)
    assert cut is not None
    assert cut.window_tokens == 3072


def test_there_is_no_alarm_when_the_context_is_larger_than_was_thought() -> None:
    assert cut_prompt(asked(ENGLISH, 1000), 1200, 1024) is None


def test_the_context_is_guessed_when_whole_messages_were_left_out() -> None:
    question = Message("user", "Question: And how often is the filter changed?")
    answer = Message("assistant", "Once a year.")
    cut = cut_prompt((*asked(ENGLISH, 3000), answer, question), 40, None)
    assert cut is not None
    assert cut.window_tokens == 2048


@pytest.mark.parametrize("read", [None, 0, 1, 20])
def test_nothing_is_known_when_a_server_does_not_count_or_leaves_out_its_cache(
    read: int | None,
) -> None:
    assert cut_prompt(asked(ENGLISH, 3000), read, None) is None


def test_nothing_is_known_when_a_server_says_it_read_nothing_of_a_blank_question() -> None:
    assert cut_prompt((SYSTEM, Message("user", " ")), 0, None) is None


@given(st.text(min_size=1), st.integers(0, 200_000), st.none() | st.integers(512, 200_000))
def test_the_window_is_smaller_than_was_assumed_when_anything_was_cut(
    text: str, read: int, window: int | None
) -> None:
    cut = cut_prompt((SYSTEM, Message("user", text)), read, window)
    assert cut is None or 0 < cut.window_tokens < (window or 4096)


# --- replies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "It is blue.",
        "It is blue [1].",
        "It is blue. [1]",
        "**It is blue.**",
        'He said "yes"',
        "It is (mostly) blue (at noon)",
        "```python\nprint(1)\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "它是蓝色的。",
        "Este albastru…",
        "यह नीला है।",
        "",
    ],
)
def test_a_text_is_finished_when_it_ends_like_one(text: str) -> None:
    assert is_finished(text)


@pytest.mark.parametrize(
    "text",
    [
        "It is blue by",
        "It is blue,",
        "1. Oil\n2. Fil",
        "```python\nprint(1).",
        "它是蓝",
        "See the ",
    ],
)
def test_a_text_is_not_finished_when_it_breaks_off(text: str) -> None:
    assert not is_finished(text)


@pytest.mark.parametrize(
    ("counted", "estimated", "limit", "expected"),
    [
        (512, 480, 512, True),
        (511, 480, 512, True),
        (600, 480, 512, True),
        (512, 480, 2048, True),  # Foundry Local's own
        (128, 120, 512, True),
        (130, 128, 512, False),  # the server's count is better than ours
        (300, 300, 512, False),
        (4, 4, 4, True),
        (None, 512, 512, True),
        (None, 500, 512, True),
        (None, 490, 512, False),
        (None, 300, 512, False),
    ],
)
def test_a_reply_is_at_a_limit_when_it_is_as_long_as_one(
    counted: int | None, estimated: int, limit: int, expected: bool
) -> None:
    assert is_at_limit(counted, estimated, limit) is expected


@given(st.text())
def test_a_text_is_finished_when_a_sentence_ends_it_outside_of_code(text: str) -> None:
    assert is_finished(text.replace("`", "").replace("~", "") + ".\n")
