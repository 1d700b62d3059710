from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from rag.page.romanian_said import SAID
from rag.page.sentences import said
from rag.page.wording import Wording

ROOT = Path(__file__).parents[2]
ROMANIAN = Wording("ro")


@cache
def written() -> str:
    """Every text in the rooms below, one a line, with what is put into it left out."""
    texts = []
    for path in (ROOT / "rag").rglob("*.py"):
        if "page" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    str(one.value) if isinstance(one, ast.Constant) else "\0" for one in node.values
                ]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


@pytest.mark.parametrize("english", [english for english, _ in SAID])
def test_a_sentence_is_still_said_when_it_has_a_translation(english: str) -> None:
    pieces = [piece.strip(" .") for piece in re.split(r"\{\}|(?<=\.) |[,:] ", english)]
    longest = [piece for piece in pieces if len(piece.split()) > 2] or [max(pieces, key=len)]
    assert any(piece in written() for piece in longest)


@pytest.mark.parametrize(("english", "romanian"), SAID)
def test_a_translation_keeps_every_value(english: str, romanian: str) -> None:
    values = [f"v{number}" for number in range(english.count("{}"))]
    told = said(english.format(*values), ROMANIAN)
    assert told == romanian.format(*values)
    assert all(value in told for value in values)


def test_sentences_are_told_apart_when_several_stand_in_a_row() -> None:
    text = (
        "large took longer than 60 seconds, the limit set by RAG_ESCALATION_TIMEOUT_S. "
        "Something else. So the answer of the small model stands."
    )
    assert said(text, ROMANIAN) == (
        "large a durat mai mult de 60 secunde, limita din RAG_ESCALATION_TIMEOUT_S. "
        "Something else. De aceea rămâne răspunsul modelului mic."
    )


def test_a_text_stays_as_it_is_when_the_page_is_english_or_it_is_not_known() -> None:
    assert said("phi wrote nothing.", Wording("en")) == "phi wrote nothing."
    assert said("Nobody knows.", ROMANIAN) == "Nobody knows."
    assert said("", ROMANIAN) == ""
