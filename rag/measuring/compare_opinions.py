"""What judges and people think of answers, as tables and words of a report."""

from __future__ import annotations

from collections.abc import Sequence

from rag.measuring.judge import Judged
from rag.measuring.preferences import Preference, preferred_first, wins
from rag.measuring.reports.figures import interval, shown
from rag.measuring.reports.values import Column, Part, Table


def judge_tables(found: Judged) -> tuple[Part, ...]:
    verdicts = Table(
        "Which answer does the judge prefer?",
        (
            Column("Models"),
            Column("the first"),
            Column("the second"),
            Column("neither"),
            Column("changed its mind"),
            Column("unreadable"),
        ),
        tuple(
            (f"{one.model} / {one.other}", one.wins, one.losses, one.ties, one.inconsistent,
             one.unreadable)
            for one in found.verdicts
        ),
        note="Pairs of answers, counted where it said the same with their places changed.",
    )  # fmt: skip
    scores = Table(
        "What scores does it give?", (Column("Model"), Column("score, 1 to 5")), found.scores
    )
    return (judge_in_words(found), verdicts, *((scores,) if found.scores else ()))


def judge_in_words(found: Judged) -> str:
    told = [
        f"The judge is {found.judge}; it was asked {found.judgements} times, twice for each pair."
    ]
    if found.judges_itself:
        told.append("It judges answers of its own, which judges are known to favour.")
    if found.failed:
        told.append(f"{found.failed} requests failed.")
    if found.unreadable:
        told.append(f"{found.unreadable} of its replies were not in the form asked for.")
    if agreed := found.agreement:
        told.append(
            f"With the places changed it said the same of {shown(agreed.value, 'share')} of "
            f"{agreed.count} pairs ({interval(agreed, 'share')})."
        )
    if leaning := found.first_preferred:
        told.append(
            f"It preferred the answer shown first in {shown(leaning.value, 'share')} of "
            f"{leaning.count} preferences ({interval(leaning, 'share')}); half would be no lean."
        )
    return " ".join(told)


def preference_tables(chosen: Sequence[Preference]) -> tuple[Table, ...]:
    rows = tuple(
        (f"{one.model} / {one.other}", one.wins, one.losses, one.neither, one.share)
        for one in wins(chosen)
    )
    columns = (
        Column("Models"),
        Column("the first"),
        Column("the second"),
        Column("neither"),
        Column("share of the first", "share"),
    )
    first = preferred_first(chosen)
    place = (
        f" Of {first.count}, {shown(first.value, 'share')} fell on the answer that stood first "
        f"({interval(first, 'share')})."
        if first
        else ""
    )
    note = f"Choices of people, with Wilson's 95% interval.{place}"
    return (Table("Which answers do people prefer?", columns, rows, note=note),)
