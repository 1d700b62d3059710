"""`prices`: what models cost, from where, and how old that is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.running import Output, as_json, refused

from rag.cli import main


def test_prices_are_listed_with_page_and_age_when_a_person_asks(capsys: Output) -> None:
    assert main(["prices"]) == 0
    output = capsys.readouterr()
    assert re.search(r"^gpt-5-mini +0\.25 +2 +OpenAI +\d{4}-\d\d-\d\d", output.out, re.MULTILINE)
    assert "https://developers.openai.com/api/docs/pricing" in output.out
    assert "RAG_USD_PER_KWH" in output.out


def test_prices_say_where_they_are_from_when_they_are_json(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PRICES", "mine=1/2")
    monkeypatch.setenv("RAG_WATTS", "40")
    found = as_json(capsys, "prices")
    assert list(found) == ["prices", "energy", "notes"]
    first, second, *_ = found["prices"]
    assert first == {
        "model": "mine",
        "prompt_usd": 1.0,
        "completion_usd": 2.0,
        "provider": "",
        "hosts": [],
        "source": "",
        "checked": None,
        "age_days": None,
        "counts": True,
        "from": "RAG_PRICES",
    }
    assert (second["from"], second["hosts"]) == ("shipped", ["api.openai.com"])
    assert found["energy"]["watts"] == 40
    assert found["energy"]["usd_per_kwh"] is None
    assert "40 W" in found["energy"]["sentence"]


@pytest.mark.parametrize(
    ("llm", "told"),
    [
        ("https://api.openai.com/v1#gpt-0", ["https://api.openai.com/v1#gpt-0 has no price"]),
        ("https://api.openai.com/v1#free", []),
        ("http://127.0.0.1:9/v1#gpt-0", []),
        ("none", []),
    ],
)
def test_it_says_so_when_a_model_that_is_set_has_no_price(
    llm: str, told: list[str], capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM", llm)
    monkeypatch.setenv("RAG_PRICES", "free=0/0")
    notes = [note for note in as_json(capsys, "prices")["notes"] if "has no price" in note]
    assert [note[: len(start)] for note, start in zip(notes, told, strict=True)] == told


def test_a_copy_can_be_edited_when_it_was_asked_for(tmp_path: Path, capsys: Output) -> None:
    own = tmp_path / "data" / "prices.toml"
    assert as_json(capsys, "prices", "--copy")["prices"][0]["from"] == "your list"
    assert "[[provider]]" in own.read_text(encoding="utf-8")
    own.write_text("[[provider]]\nname = 1", encoding="utf-8")
    assert "There is a list already" in refused(capsys, "prices", "--copy")
    assert own.read_text(encoding="utf-8") == "[[provider]]\nname = 1"
    assert "makes no sense: provider → 0 → name" in refused(capsys, "prices")


def test_an_old_price_is_told_and_not_counted_when_it_is_over_a_year_old(
    tmp_path: Path, capsys: Output
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prices.toml").write_text(
        '[[provider]]\nname = "Once"\nsource = "https://example.org"\nchecked = 2020-01-01\n'
        '[provider.models]\n"old-model" = { prompt = 1, completion = 2 }\n',
        encoding="utf-8",
    )
    found = as_json(capsys, "prices")
    assert (found["prices"][0]["model"], found["prices"][0]["counts"]) == ("old-model", False)
    assert any(
        "Checked over a year ago, and not counted: old-model" in one for one in found["notes"]
    )
    assert main(["prices"]) == 0
    assert "2020-01-01, too old" in capsys.readouterr().out
