"""Parts, key figures and open points of a document."""

from __future__ import annotations

import pytest
from answering.passages import chunk

from rag.answering.skimming import key_figures, open_points, parts

LINES = [chunk(f"Line {number} is of no interest.", start=number * 40) for number in range(9)]


@pytest.mark.parametrize(
    ("passages", "count", "wanted"), [(0, 3, 0), (1, 3, 1), (2, 3, 2), (9, 3, 3), (9, 0, 0)]
)
def test_there_are_as_many_parts_as_there_can_be_when_some_are_wanted(
    passages: int, count: int, wanted: int
) -> None:
    found = parts(LINES[:passages], count)
    assert len(found) == wanted
    starts = [part[0].start for part in found]
    assert starts == sorted(set(starts))


def test_a_part_is_what_most_of_the_document_speaks_of_when_it_is_long() -> None:
    rain = [chunk(f"Rain fell on day {day} and rain will fall.", start=day) for day in range(4)]
    aside = chunk("My aunt keeps bees.", start=9)
    [[chosen]] = parts([aside, *rain], 1)
    assert "Rain" in chosen.text


def test_shares_and_amounts_come_first_when_there_are_many_numbers() -> None:
    text = (
        "The town was founded in 1848 by a trader. About 30% of the girls work on farms. "
        "It has 12 schools and a library. The budget is $4 million for the coming year. "
        "Nobody counts the birds of the town."
    )
    found = key_figures([chunk(text, page=3, start=100)], 2)
    assert [figure.text for figure in found] == [
        "About 30% of the girls work on farms.",
        "The budget is $4 million for the coming year.",
    ]
    [quote] = found[0].citations
    assert (quote.page, quote.start) == (3, 100 + text.index("About"))
    assert (found[0].model, quote.quote) == ("", found[0].text)


def test_no_figure_is_told_when_there_are_only_years_or_lists() -> None:
    years = chunk("In 1848 and in 1952 the town was flooded.")
    listed = chunk("Scores were 11, 12, 13, 14, 15, 16 and 17 in that season.")
    labelled = chunk("The plot is shown in Figure 2.21 and in table 7 of the IPCC report.")
    assert key_figures([years, listed, labelled], 3) == []


def test_half_a_sentence_is_no_figure_when_a_passage_was_cut() -> None:
    assert key_figures([chunk("There were 111,529 families (70.4% of all); the")], 3) == []
    assert key_figures([chunk("families were 70.4% of all households there.")], 3) == []


def test_a_figure_is_told_once_when_passages_overlap() -> None:
    said = "About 30% of the girls work on farms."
    assert len(key_figures([chunk(said), chunk(said, start=20)], 3)) == 1


def test_what_a_document_calls_open_is_found_when_it_does() -> None:
    text = "The pump works well in winter. The date of delivery is to be decided by the board."
    [point] = open_points([chunk(text)], 3)
    assert point.text == "The date of delivery is to be decided by the board."
    assert open_points([chunk("The pump works well in winter.")], 3) == []
