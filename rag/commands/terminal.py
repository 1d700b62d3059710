"""What the commands share: JSON on stdout, progress on stderr, coroutines run to their end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from tqdm import tqdm

P = ParamSpec("P")
T = TypeVar("T")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print exactly one JSON document."
)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def run(command: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Ctrl-C cancels the coroutine, which cleans up, and then ends the program."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        return asyncio.run(command(*args, **kwargs))

    return wrapper


def example(*lines: str) -> str:
    """The epilog of a command's --help."""
    return "\b\nExample:\n" + "\n".join(f"  python -m rag {line}" for line in lines)


def progress_bar(description: str, total: int | None, unit: str) -> tqdm[Any]:
    """On stderr, and only where somebody watches."""
    scale = unit == "B"
    return tqdm(
        desc=description, total=total, unit=unit, unit_scale=scale, file=sys.stderr,
        disable=None, leave=False,
    )  # fmt: skip
