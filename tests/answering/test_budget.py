import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.budget import Room, share


@pytest.mark.parametrize(
    ("window_tokens", "question_tokens", "context_tokens", "room"),
    [
        (32_768, 60, None, Room(512, 400, 28_519)),
        (32_768, 60, 1_000, Room(512, 400, 1_000)),
        (None, 60, None, Room(512, 400, 2_714)),  # taken for 4,096
        (512, 60, None, Room(230, 92, 78)),
        (512, 600, None, Room(230, 92, 0)),
    ],
)
def test_the_window_is_shared_out_when_its_size_is_known_or_not(
    window_tokens: int | None, question_tokens: int, context_tokens: int | None, room: Room
) -> None:
    assert share(window_tokens, question_tokens, 512, context_tokens) == room


@given(st.integers(1, 200_000), st.integers(0, 4_000), st.integers(1, 8_000))
def test_the_window_is_never_overrun_whatever_is_asked(
    window_tokens: int, question_tokens: int, max_tokens: int
) -> None:
    room = share(window_tokens, question_tokens, max_tokens, None)
    spent = room.reply_tokens + room.history_tokens + room.passage_tokens + question_tokens
    assert room.passage_tokens == 0 or spent <= window_tokens * 0.9
