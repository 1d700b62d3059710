"""``--report FILE`` of every command that measures: findings in, a file for a person out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from pydantic import SecretStr

from rag.errors import RagError
from rag.measuring.machine import described
from rag.measuring.reports.html import html
from rag.measuring.reports.markdown import markdown
from rag.measuring.reports.values import Report, Section
from rag.settings import Settings, load, variable_of

_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")  # a password in an address
_KINDS = (".html", ".md")
_ARE_PLACES = {"docs_dir", "data_dir"}  # of this machine; the command names what matters


def _checked(context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Before anything is measured for hours."""
    if path and path.suffix.lower() not in _KINDS:
        raise click.BadParameter("end it in .html, or in .md for Markdown.")
    return _in_folder(context, parameter, path)


def _in_folder(
    context: click.Context, parameter: click.Parameter, path: Path | None
) -> Path | None:
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

export_option = click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_in_folder,
    metavar="FILE",
    help="Write the answers here, for Ragas.",
)


def reported(title: str, summary: str, sections: Sequence[Section]) -> Report:
    """With all that tells where the figures come from; called inside the command they are of."""
    return Report(
        title=title,
        summary=summary,
        sections=tuple(sections),
        machine=described(),
        settings=changed(load()),
        written=datetime.now(UTC),
        command=without_passwords(shlex.join(typed())),
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


def typed() -> list[str]:
    """The command as it was given: what it found in the environment stands with the settings."""
    context = click.get_current_context()
    words = context.command_path.split(" ")
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            words += _given(parameter, context.params[name])
    return words


def _given(parameter: click.Parameter, value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    if isinstance(parameter, click.Argument):
        return [str(each) for each in values]
    name = parameter.opts[0]
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return [name if value else parameter.secondary_opts[0]]
    return [word for each in values for word in (name, str(each))]


def without_passwords(text: str) -> str:
    """
    >>> without_passwords("http://me:secret@example.com/v1#m")
    'http://…@example.com/v1#m'
    """
    return _USER_INFO.sub("…@", text)
