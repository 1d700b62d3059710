"""What a report says of where it comes from: the command as typed, settings without secrets."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from measuring.reportmaking import report

from rag.commands.reporting import changed, keep, report_option, typed, without_passwords
from rag.errors import RagError
from rag.settings import Settings


@click.command()
@click.argument("words", nargs=-1)
@click.option("--mode", multiple=True)
@click.option("--limit", default=3)
@click.option("--stream/--no-stream", default=True)
@click.option("--fast", is_flag=True)
@report_option
def measure(**_: object) -> None:
    click.echo(" ".join(typed()))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "measure"),
        (["--limit", "3"], "measure --limit 3"),
        (
            ["a", "b", "--mode", "x", "--fast", "--mode", "y"],
            "measure a b --mode x --mode y --fast",
        ),
        (["--no-stream", "--report", "r.md"], "measure --no-stream --report r.md"),
    ],
)
def test_the_command_is_told_as_it_was_typed_when_it_is_repeated(
    arguments: list[str], expected: str
) -> None:
    assert CliRunner().invoke(measure, arguments).output == f"{expected}\n"


def test_no_secret_and_no_folder_is_told_when_settings_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("RAG_LLM", "https://me:pass@example.com/v1#large")
    monkeypatch.setenv("RAG_SLM", "auto")
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RAG_TOP_K", "4")
    told = dict(changed(Settings()))
    assert (told["RAG_SLM"], told["RAG_LLM"]) == ("auto", "https://…@example.com/v1#large")
    assert told["RAG_TOP_K"] == "4"
    assert "RAG_MAX_TOKENS" not in told
    assert not {"secret", "pass", str(tmp_path)} & {*told.values()}
    assert "secret" not in str(told)


def test_only_passwords_are_hidden_when_addresses_have_them() -> None:
    assert without_passwords("a@b.c http://127.0.0.1:1/v1#m?x=a@b") == (
        "a@b.c http://127.0.0.1:1/v1#m?x=a@b"
    )
    assert without_passwords("--slm 'http://key@host/v1#m'") == "--slm 'http://…@host/v1#m'"


def test_pictures_stand_beside_it_when_markdown_is_kept(tmp_path: Path) -> None:
    keep(report(), tmp_path / "bench.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("bench-1.svg", "bench-2.svg", "bench-3.svg", "bench-4.svg", "bench.md")
    ]


def test_one_sentence_says_so_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(RagError, match=r"^taken.html cannot be written: Is a directory\.$"):
        keep(report(), tmp_path / "taken.html")
