"""What the program says and what docs/troubleshooting.md says of it belong together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import rag.errors
from rag.machine import Finding
from rag.troubleshooting import PAGE, action, remedies, remedy_of, see

SOURCES = sorted((Path(__file__).parent.parent / "rag").rglob("*.py"))
ERRORS = {name for name, one in vars(rag.errors).items() if isinstance(one, type)}
ERRORS |= {"_NotThereError", "_SilentError"}  # of a server: doctor tells their text
# Sentences that are put together, and stand nowhere in one piece.
PUT_TOGETHER = (
    "http://127.0.0.1:8080/v1 wants a key: add its address with one.",
    "http://127.0.0.1:8080/v1 wants another key.",
    "The model smollm2-135m is still loading: ask again in a moment.",
    "The model smollm2-135m has failed: its server is stopping.",
    "The model hub answered with status 503.",
    "The model hub broke off several times.",
    "4.2 GB free on the disk of the data folder.",
    "0.9 GB of memory available.",
)


def text(node: ast.AST) -> str:
    """What stands in the source, with “…” for what is put in later; "" when it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) or "…" for part in node.values)
    return ""


@cache
def nodes() -> tuple[ast.AST, ...]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES)
    return tuple(node for tree in trees for node in ast.walk(tree))


@cache
def everything_said() -> str:
    """A line for each text of the program."""
    return "\n".join([*{text(node) for node in nodes()}, *PUT_TOGETHER])


def errors() -> Iterator[str]:
    """The texts of errors, and of findings that are a warning or a problem."""
    for node in nodes():
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "")
        if name in ERRORS and node.args:
            yield text(node.args[0])
        if name == "Finding" and text(node.args[1]) in {"warning", "problem"}:
            yield text(node.args[2])


def is_sentence(said: str) -> bool:
    """Not a text of which nearly all is put in later: PUT_TOGETHER has those."""
    return len(re.findall(r"[a-z]", said)) > len("The model wants")


@pytest.mark.parametrize(
    "said", sorted({*filter(is_sentence, errors()), *PUT_TOGETHER}), ids=lambda said: said[:60]
)
def test_a_sentence_has_its_line_when_a_person_can_meet_it(said: str) -> None:
    assert see(said) != ""


@pytest.mark.parametrize(
    "symptom", [one for row in remedies() for one in row.symptoms], ids=lambda one: one[:60]
)
def test_no_symptom_is_an_orphan_when_the_program_says_nothing_else(symptom: str) -> None:
    parts = filter(None, (part.strip() for part in symptom.split("…")))
    assert re.search(".*".join(map(re.escape, parts)), everything_said())


def test_each_line_can_be_linked_to_when_it_is_in_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    anchors = [row.anchor for row in remedies()]
    assert len(anchors) == len(set(anchors)) == page.count("<a id=") > 70
    assert all(row.cause and row.action for row in remedies())
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    slugs = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    within = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert within <= slugs | set(anchors)


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("Something answers at http://127.0.0.1:8000 already.", "docs/troubleshooting.md#port"),
        ("It is chosen. Nothing answers at http://127.0.0.1:9/v1. Start the server, or choose "
         "another model.", "docs/troubleshooting.md#nothing-answers"),
        ("llama3.2:3b broke off its answer. Ask again.", "docs/troubleshooting.md#broke"),
        ("The download broke off.", "docs/troubleshooting.md#foundry-broke"),
        ("Setting RAG_TOP_K: Input should be a valid integer.",
         "docs/troubleshooting.md#settings-value"),
        ("Setting RAG_PRICES: entry x has no price. Write it like …",
         "docs/troubleshooting.md#prices"),
        ("Qwen could not be fetched. The model hub could not be reached. What was sent is not the "
         "file that was asked for. Check the network.", "docs/troubleshooting.md#hash"),
        ("All is well.", ""),
    ],
)  # fmt: skip
def test_the_line_that_says_most_is_named_when_several_fit(said: str, link: str) -> None:
    assert see(said) == link


def test_a_finding_names_its_line_when_all_is_not_well() -> None:
    little = "1.0 GB of memory available."
    assert Finding("memory", "warning", little, "Close.").see == "docs/troubleshooting.md#memory"
    assert Finding("memory", "ok", little).see == ""


def test_an_action_has_no_links_when_it_is_told_elsewhere() -> None:
    assert action("There is nothing to fit: put more questions.") == "See Calibrating the judge."
    assert action("All is well.") == ""


def test_nothing_is_named_when_the_documentation_was_left_out(tmp_path: Path) -> None:
    assert remedies(tmp_path / "troubleshooting.md") == ()
    assert remedy_of("Nothing answers at x.", ()) is None
