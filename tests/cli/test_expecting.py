"""`search --explain` and `--expected`: what is said of each passage, and of one not found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli.running import Output, as_json, refused
from documents import nasty

from rag.cli import main
from rag.commands import expecting
from rag.commands.asking import STILL_COUNTED, print_explanation
from rag.types import Explanation, TermShare

OIL = ["Oil the red hinge.", "Change the oil of the pump every 500 hours.", "Oil is slippery oil."]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three documents on oil and one on lamps, each a passage long."""
    folder = tmp_path / "library"
    folder.mkdir()
    for number, text in enumerate(OIL, 1):
        (folder / f"oil {number}.txt").write_text(text, encoding="utf-8")
    (folder / "lamp.txt").write_text("A beacon of Orvane burns tallow.", encoding="utf-8")
    main(["index", str(folder)])
    return folder


def expected(capsys: Output, query: str, wanted: str, *more: str) -> Any:
    return as_json(capsys, "search", query, "--expected", wanted, *more)["expected"]


# --- explain ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("library")
def test_each_hit_is_explained_when_it_is_json(capsys: Output) -> None:
    plain = as_json(capsys, "search", "oil of the pump")
    told = as_json(capsys, "search", "oil of the pump", "--explain")

    assert list(told) == ["query", "hits", "latency_ms"]
    assert len(told["hits"]) == 3
    for hit, before in zip(told["hits"], plain["hits"], strict=True):
        explain = hit.pop("explain")
        assert hit == before
        assert list(explain) == ["length", "average_length", "length_factor", "terms"]
        assert [*explain["terms"][0]] == ["term", "idf", "frequency", "weight", "share"]
        assert sum(each["share"] for each in explain["terms"]) == pytest.approx(hit["score"])


@pytest.mark.usefixtures("library")
def test_a_table_is_printed_when_a_person_wants_it_explained(capsys: Output) -> None:
    capsys.readouterr()
    assert main(["search", "pump", "--explain"]) == 0
    _, _, _, head, row, _, length, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["term", "idf", "times", "weight", "share"]
    assert row.split()[0] == "pump"
    assert length.endswith("× the average length")


def test_a_sum_that_differs_is_told_when_removed_passages_still_count(capsys: Output) -> None:
    explanation = Explanation(5, 5.0, 1.0, (TermShare("pump", 0.5, 2, 1.0, 0.6875),))
    print_explanation(explanation, 0.69)
    assert STILL_COUNTED not in capsys.readouterr().out
    print_explanation(explanation, 0.8)
    assert STILL_COUNTED in capsys.readouterr().out


# --- expected --------------------------------------------------------------------------------


@pytest.mark.usefixtures("library")
def test_its_place_is_told_when_it_was_found(capsys: Output) -> None:
    told = expected(capsys, "oil of the pump", "change the OIL")
    assert list(told) == [
        *("document", "page", "section", "text", "rank", "score", "missing", "reasons"),
    ]
    assert (told["document"], told["page"], told["rank"]) == ("oil 2.txt", 1, 1)
    assert told["missing"] == []
    assert told["reasons"] == [
        "It was found: it is passage 1.",
        "`ask` would have it read, at 3 passages a model.",
    ]


@pytest.mark.usefixtures("library")
def test_its_distance_is_told_when_others_come_before_it(capsys: Output) -> None:
    result = as_json(capsys, "search", "oil pumps", "-k", "1", "--expected", "oil 1.txt:1")
    told, last = result["expected"], result["hits"][-1]["score"]
    assert told["rank"] > 1
    assert told["missing"] == [{"word": "pumps", "nearest": ""}]
    assert told["reasons"][:2] == [
        f"It is passage {told['rank']}: its score is {told['score']:.2f}, "
        f"that of the last one shown {last:.2f}.",
        "It lacks words of the question: pumps.",
    ]


@pytest.mark.usefixtures("library")
def test_the_nearest_spelling_is_told_when_the_question_has_a_typing_error(capsys: Output) -> None:
    told = expected(capsys, "becon", "lamp.txt:1")
    assert (told["rank"], told["score"]) == (None, 0)
    assert told["missing"] == [{"word": "becon", "nearest": "beacon"}]
    assert told["reasons"] == [
        "It shares no word with the question.",
        "It lacks words of the question: becon (it has “beacon”).",
    ]


@pytest.mark.usefixtures("library")
def test_the_filter_is_told_when_its_document_was_not_searched(capsys: Output) -> None:
    told = expected(capsys, "beacon", "burns tallow", "--document", "oil 1.txt")
    assert (told["document"], told["rank"]) == ("lamp.txt", None)
    assert told["reasons"] == ["It was filtered out: --document names other documents."]


def test_its_twin_is_told_when_ask_would_leave_it_out(library: Path, capsys: Output) -> None:
    (library / "oil 2 copied again.txt").write_text(OIL[1] + "\n\n", encoding="utf-8")
    main(["index", str(library)])
    told = expected(capsys, "500 hours of the pump", "oil 2 copied again.txt:1")
    assert told["rank"] == 2
    assert told["reasons"][-1] == (
        "`ask` would leave it out, at 3 passages a model: it repeats passage 1."
    )


@pytest.mark.usefixtures("library")
def test_the_limits_are_told_when_ask_would_leave_it_out(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_TOP_K", "1")
    told = expected(capsys, "oil pumps", "oil 1.txt:1")
    assert told["reasons"][-1] == (
        "`ask` would leave it out, at 1 passage a model: "
        "this model is given no more than one passage."
    )
    monkeypatch.setenv("RAG_TOP_K", "3")
    monkeypatch.setenv("RAG_CONTEXT_TOKENS", "30")
    told = expected(capsys, "oil pumps", "oil 1.txt:1")
    assert " it did not fit: " in told["reasons"][-1]


def test_that_ask_stops_earlier_is_told_when_it_is_far_behind(
    library: Path, capsys: Output
) -> None:
    for number in range(12):
        (library / f"more {number}.txt").write_text(f"Oil oil {number}.", encoding="utf-8")
    main(["index", str(library)])
    told = expected(capsys, "oil", "pump every 500 hours", "-k", "20")
    assert told["rank"] > 10
    assert told["reasons"][-1] == "`ask` looks at the best 10 alone."


@pytest.mark.usefixtures("library")
def test_a_score_is_compared_when_its_rank_is_not_looked_for(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expecting, "_RANKED", 1)
    told = expected(capsys, "oil pumps", "oil 1.txt:1", "-k", "1")
    assert told["rank"] is None
    assert told["reasons"][0].startswith("1 others are before it: its score is ")


@pytest.mark.usefixtures("library")
def test_the_nearest_passage_is_told_when_none_holds_the_words(capsys: Output) -> None:
    told = expected(capsys, "oil", "the lighthouse of Orvane burns")
    assert [told[key] for key in ("document", "page", "text", "rank", "score")] == [None] * 5
    assert told["reasons"] == [
        "No passage holds these words.",
        "The nearest is on page 1 of lamp.txt.",
        "It lacks these words: lighthouse.",
    ]


def test_what_was_not_read_is_told_when_no_passage_holds_the_words(
    library: Path, tmp_path: Path, capsys: Output
) -> None:
    nasty.pdf(library / "scan.pdf", ["First page.", ""])
    main(["index", str(library)])
    (tmp_path / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    told = expected(capsys, "oil", "zebra")
    nothing, broken, scan = told["reasons"]
    assert nothing == "No passage holds these words."
    assert broken.startswith("broken.pdf could not be read: ")
    assert scan.startswith("scan.pdf was not read whole: Page 2 has no text")

    told = expected(capsys, "oil", "scan.pdf:2")
    [reason] = told["reasons"]
    assert reason.startswith("Page 2 of scan.pdf has no text that could be read. Page 2 ")
    assert expected(capsys, "oil", "SCAN.pdf:3")["reasons"] == [
        "scan.pdf has 2 pages: there is no page 3."
    ]


@pytest.mark.usefixtures("library")
def test_sentences_are_printed_when_a_person_expected_a_passage(capsys: Output) -> None:
    capsys.readouterr()
    assert main(["search", "becon", "--expected", "burns tallow"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "Expected: lamp.txt, page 1",
        "   It shares no word with the question.",
        "   It lacks words of the question: becon (it has “beacon”).",
    ]
    assert main(["search", "oil", "--expected", "zebra", "-k", "1"]) == 0
    assert capsys.readouterr().out.endswith("Expected:\n   No passage holds these words.\n")


@pytest.mark.parametrize("wanted", ["", "  ", "…?"])
def test_it_is_refused_when_nothing_is_expected(capsys: Output, wanted: str) -> None:
    assert refused(capsys, "search", "oil", "--expected", wanted).startswith("--expected holds no")


def test_nothing_is_held_when_the_library_is_empty(capsys: Output) -> None:
    assert expected(capsys, "oil", "pump.md:1")["reasons"] == [
        "No document is called pump.md.",
        "No passage holds these words.",
    ]
