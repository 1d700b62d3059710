"""What the commands share: JSON on stdout, progress on stderr, coroutines run to their end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from tqdm import tqdm

from rag.models.weights import Progress

P = ParamSpec("P")
T = TypeVar("T")

STAGES = {"download": "Fetching the model", "convert": "Preparing it, once", "load": "Loading it"}

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print exactly one JSON document."
)

remote_option = click.option(
    "--remote", is_flag=True, help="Ask model servers on other machines, too."
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
    single = total == 1  # a step that takes long, and cannot be measured
    return tqdm(
        desc=description, total=total, unit=unit, unit_scale=scale, file=sys.stderr,
        disable=None, leave=False, bar_format="{desc} … {elapsed}" if single else None,
    )  # fmt: skip


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], None]]:
    """A bar for each stage of making a model ready, one after the other."""
    bars: dict[str, tqdm[Any]] = {}

    def show(progress: Progress) -> None:
        if progress.stage not in bars:
            for bar in bars.values():
                bar.close()
            unit = "B" if progress.unit == "bytes" else "step"
            bars[progress.stage] = progress_bar(
                STAGES[progress.stage], progress.total or None, unit
            )
        bar = bars[progress.stage]
        bar.update(progress.done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
