"""The line in a terminal that says what a model is at."""

from __future__ import annotations

import io
import sys

import pytest

from rag.commands.phases import PhaseLine
from rag.types import AnswerEvent, Context, Delta, Judged, Query, Retrieved, Working

RETRIEVED = Retrieved(Query(""), Context("", (), 0, 0))


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, *events: AnswerEvent) -> str:
    monkeypatch.setattr(sys, "stderr", screen)
    line = PhaseLine()
    for event in events:
        line.show(event)
        line.tick()
    return screen.getvalue()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Working("loading", "qwen"), "Loading qwen … 00:00"),
        (Working("waiting", "qwen"), "Waiting for the first word of qwen … 00:00"),
        (Working("waiting", ""), "Waiting for the first word of the model … 00:00"),
        (Working("thinking", "qwen"), "Waiting while qwen thinks … 00:00"),
    ],
)
def test_a_phase_is_shown_with_its_seconds_when_somebody_watches(
    monkeypatch: pytest.MonkeyPatch, event: AnswerEvent, words: str
) -> None:
    assert words in shown(monkeypatch, Screen(), RETRIEVED, event)


def test_the_line_is_gone_when_words_come(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    last = shown(
        monkeypatch,
        screen,
        Working("thinking", "qwen"),
        Delta("", reasoning="hm"),
        Working("writing", "qwen"),
        Delta("Yes."),
    ).split("\r")
    assert last[-2].strip() == ""  # blanks over what stood there
    assert last[-1] == ""


def test_nothing_is_shown_when_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), Working("waiting", "qwen")) == ""


def test_nothing_is_left_when_a_turn_ends_before_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = Judged(confidence=None)  # type: ignore[arg-type]
    screen = shown(monkeypatch, Screen(), Working("waiting", "qwen"), judged)
    assert screen.split("\r")[-2].strip() == ""
