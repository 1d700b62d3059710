"""``python -m rag``: arguments in; text or one JSON document out, and an exit code.

0 is success, 1 failure, 2 bad usage or input, 130 interrupted. Errors are one sentence on stderr.
What a command does is in rag/commands/; which module holds it is said here, so that a command
imports what it needs and no more.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from rag.errors import NotFound, RagError, SettingsError

COMMANDS = {  # in the order of --help: name → module, what it does
    "index": ("library", "Add files or folders to the library."),
    "documents": ("library", "List the documents in the library."),
    "forget": ("library", "Remove a document and everything derived from it."),
    "search": ("asking", "Find passages, without a model."),
    "ask": ("asking", "Answer a question from the documents."),
    "briefing": ("briefing", "Brief on the documents of a folder."),
    "evaluate": ("evaluate", "Measure search and answers on a question set."),
    "calibrate": ("calibrate", "Fit the judge to a question set, and measure it."),
    "compare": ("compare", "Show the answers of several models side by side, checked."),
    "bench": ("bench", "Measure how soon and how fast models answer."),
    "ledger": ("ledger", "Show what the turns took, and what escalation saves."),
    "tco": ("tco", "Say what hybrid costs over months, against the cloud."),
    "prices": ("prices", "List what models cost, and how energy is known."),
    "people": ("people", "Say who may log in, and export or delete what is theirs."),
    "models": ("models", "Show, fetch and remove models."),
    "serve": ("models", "Run the embedded model server alone."),
    "doctor": ("examining", "Check this machine, and say how to mend it."),
}


class Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rag.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=Commands, epilog="Each command has its own --help, with an example.")
def cli() -> None:
    """Chat with your own documents on small local models: the command line."""


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):  # a Windows pipe is not UTF-8 by itself
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        code = cli.main(arguments, prog_name="python -m rag", standalone_mode=False)
    except click.Abort:
        return _failed("Stopped.", 130)
    except click.ClickException as exc:
        return _failed(exc.format_message(), exc.exit_code)
    except RagError as exc:
        return _failed(str(exc), 2 if isinstance(exc, SettingsError | NotFound) else 1)
    return code if isinstance(code, int) else 0


def _failed(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
