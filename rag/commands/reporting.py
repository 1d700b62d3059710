"""``--report FILE`` of every command that measures: findings in, a file for a person out."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import SecretStr

from rag.errors import RagError
from rag.measuring.machine import described
from rag.measuring.report import Report, Section
from rag.measuring.report_html import html
from rag.measuring.report_markdown import markdown
from rag.settings import Settings, load, variable_of

_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")  # a password in an address
_KINDS = (".html", ".md")
_ARE_PLACES = {"docs_dir", "data_dir"}  # of this machine; the command names what matters


def _checked(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Before anything is measured for hours."""
    if path and path.suffix.lower() not in _KINDS:
        raise click.BadParameter("end it in .html, or in .md for Markdown.")
    if path and not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}.")
    return path


report_option = click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_checked,
    metavar="FILE",
    help="Write a report with charts here: .html, or .md for Markdown.",
)


def reported(title: str, summary: str, sections: Sequence[Section]) -> Report:
    """With all that tells where the figures come from. The command is that of this process."""
    return Report(
        title=title,
        summary=summary,
        sections=tuple(sections),
        machine=described(),
        settings=changed(load()),
        written=datetime.now(UTC),
        command=without_passwords(shlex.join(["python", "-m", "rag", *sys.argv[1:]])),
    )


def keep(report: Report, path: Path) -> None:
    """As HTML, or as Markdown with its charts beside it. Raises RagError."""
    try:
        if path.suffix.lower() == ".html":
            path.write_text(html(report), encoding="utf-8")
            return
        text, pictures = markdown(report, path.stem)
        path.write_text(text, encoding="utf-8")
        for name, picture in pictures.items():
            (path.parent / name).write_text(picture, encoding="utf-8")
    except OSError as exc:
        raise RagError(f"{path.name} cannot be written: {exc.strerror}.") from exc


def changed(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The models, and all settings that differ from their defaults; no secret, no folder."""
    told = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr) or name in _ARE_PLACES:
            continue
        if name in {"slm", "llm"} or value != field.default:
            told.append((variable_of(name, field), without_passwords(str(value))))
    return tuple(told)


def without_passwords(text: str) -> str:
    """
    >>> without_passwords("http://me:secret@example.com/v1#m")
    'http://…@example.com/v1#m'
    """
    return _USER_INFO.sub("…@", text)
