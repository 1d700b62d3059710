"""A briefing as it is read."""

from __future__ import annotations

from rag.answering.briefs import Briefing, BriefingSection, BriefingTurn
from rag.answering.statements import Statement
from rag.measuring.reports.briefing import sections
from rag.measuring.reports.briefing_text import markdown, section_markdown, summary
from rag.measuring.reports.values import Table
from rag.types import Citation, Latency, Usage


def said(text: str, page: int = 1, *, refined: bool = False) -> Statement:
    quote = Citation(1, "c", "sky.md", page, f"“{text}”", 0, len(text), supported=True)
    return Statement(text, (quote,), "large" if refined else "small", refined)


def turn(usd: float | None = 0.0, note: str = "") -> BriefingTurn:
    used = {"small": Usage(100, 20, estimated=False)}
    latency = Latency(retrieve_ms=10.0, generate_ms=1_990.0, total_ms=2_000.0)
    return BriefingTurn("What?", "slm", "small", latency, used, usd, None, note)


SKY = BriefingSection(
    "sky",
    "document",
    False,
    (said("The sky is blue."), said("Nights are black.", 2)),
    figures=(said("It is 12 km high."),),
    open_points=(said("Its end is unknown.", 3),),
    left_out=("Dragons fly there.",),
    turns=(turn(), turn()),
)
SEA = BriefingSection(
    "sea", "document", True, (said("The sea is very salty.", refined=True),), "A sea."
)
SNOW = BriefingSection("Snow", "topic", False, (), unanswered=("What of snow?",))
BRIEFING = Briefing((SKY, SEA, SNOW), missing=("moon",), unread=("x.pdf: It is empty.",))


def test_every_sentence_has_a_number_of_the_sources_when_it_is_markdown() -> None:
    text = markdown(BRIEFING, "Briefing: nature")
    assert text.split("\n\n")[:4] == [
        "# Briefing: nature",
        "2 documents and 1 topic in 3 sentences, each with the passage that backs it. 1 sentence "
        "came from the larger model. Stopped before moon.",
        "## In short",
        "- **sky**: The sky is blue. \\[1\\]\n"
        "- **sea**: A sea. (the model's own words, which no single passage backs)",
    ]
    assert "- Nights are black. \\[2\\]" in text
    assert "2. sky.md, page 2: ““Nights are black.””" in text
    assert "**Left out, because no passage backs it**\n\n- Dragons fly there." in text
    assert "**Not in the documents**\n\n- What of snow?" in text
    assert "| sky | small (2) | 2 | 4 s | 240 | $0 |" in text
    assert "Where the time went: retrieve 20 ms, generate 3.98 s." in text
    assert "- x.pdf: It is empty." in text


def test_a_place_has_one_number_when_it_is_cited_twice() -> None:
    twice = BriefingSection("sky", "document", False, (said("It is blue."), said("It is blue.")))
    text = section_markdown(twice)
    assert text.count("\\[1\\]") == 2
    assert "2. sky.md" not in text


def test_words_mean_nothing_but_themselves_when_they_look_like_markdown() -> None:
    hostile = said("See ![x](http://evil/?q=1) <img src=x> | now.")
    text = section_markdown(BriefingSection("a|b", "document", False, (hostile,)))
    assert "![" not in text
    assert "<img" not in text.replace("\\<img", "")
    assert "## a\\|b" in text


def test_a_cost_is_unknown_when_that_of_a_turn_is() -> None:
    section = BriefingSection("sky", "document", False, (), turns=(turn(0.5), turn(None)))
    assert "| unknown |" in markdown(Briefing((section,)), "B")


def test_a_note_is_told_with_its_section_when_a_turn_has_one() -> None:
    section = BriefingSection("sky", "document", False, (), turns=(turn(note="It broke."),) * 2)
    assert markdown(Briefing((section,)), "B").count("sky: It broke.") == 1


def test_a_report_has_the_same_sections_when_it_is_html() -> None:
    found = sections(BRIEFING)
    assert [section.title for section in found] == [
        *("In short", "sky", "sea", "Snow", "Sources", "How it was made")
    ]
    sources = found[4].parts[0]
    assert isinstance(sources, Table)
    assert [row[:3] for row in sources.rows] == [
        ("1", "sky.md", 1),
        ("2", "sky.md", 2),
        *[("3", "sky.md", 1), ("4", "sky.md", 3), ("5", "sky.md", 1)],
    ]


def test_nothing_is_told_when_nothing_was_made() -> None:
    assert summary(Briefing()).startswith("0 documents in 0 sentences")
    assert markdown(Briefing(), "B").startswith("# B\n")
