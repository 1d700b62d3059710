from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import LedgerError
from rag.measuring.preferences import (
    Preference,
    Preferences,
    Preferred,
    Side,
    preferred_first,
    wins,
)

SMALL, LARGE = Side("a1", "small", "slm"), Side("b1", "large", "llm")


def chosen(preferred: Preferred, at: float = 1.0, *, first: Side = SMALL) -> Preference:
    second = LARGE if first is SMALL else SMALL
    return Preference(at, first, second, preferred)


def test_choices_come_back_in_the_order_of_time_when_they_were_added(tmp_path: Path) -> None:
    kept = Preferences(tmp_path / "new" / "preferences.sqlite")
    assert kept.all() == ()
    later, earlier = chosen("first", 2.0), chosen("second", 1.0, first=LARGE)
    kept.add(later)
    kept.add(earlier)
    assert kept.all() == (earlier, later)


def test_the_last_choice_counts_when_a_person_chooses_again(tmp_path: Path) -> None:
    kept = Preferences(tmp_path / "preferences.sqlite")
    kept.add(chosen("first", 1.0))
    kept.add(chosen("neither", 2.0))
    assert kept.all() == (chosen("neither", 2.0),)


def test_nothing_is_left_when_it_is_wiped(tmp_path: Path) -> None:
    kept = Preferences(tmp_path / "preferences.sqlite")
    kept.add(chosen("first"))
    kept.wipe()
    kept.wipe()
    assert kept.all() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_sentence_says_what_to_do_when_the_file_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "preferences.sqlite"
    path.write_text("Dear diary, this is no database at all.")
    with pytest.raises(LedgerError, match="delete it"):
        Preferences(path).all()


def test_wins_are_counted_by_model_when_places_change() -> None:
    told = [
        chosen("first"),
        chosen("second", first=LARGE),
        chosen("first", first=LARGE),
        chosen("neither"),
    ]
    [pair] = wins(told)
    assert (pair.model, pair.other) == ("large", "small")
    assert (pair.wins, pair.losses, pair.neither) == (1, 2, 1)
    assert pair.share is not None
    assert (round(pair.share.value, 3), pair.share.count) == (0.333, 3)


def test_the_place_is_told_apart_from_the_model_when_it_decides() -> None:
    first = preferred_first([chosen("first"), chosen("first", first=LARGE), chosen("neither")])
    assert first is not None
    assert (first.value, first.count) == (1.0, 2)
    assert preferred_first([chosen("neither")]) is None


def test_nothing_is_won_when_a_model_stands_beside_itself() -> None:
    assert wins([Preference(1.0, SMALL, Side("a2", "small", "auto"), "first")]) == ()
