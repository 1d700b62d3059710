"""The process around one model of Foundry Local: the child of home.py, or what ``serve`` runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rag.models.embedded.generation import Engine
from rag.models.embedded.server import serve_as_child
from rag.models.foundry.engine import Model, ThreadedEngine
from rag.models.foundry.source import Source, foundry_folder


def foundry_engine(source: Source, data_dir: Path) -> Engine:
    def load() -> Model:
        from rag.models.foundry.runtime import Runtime  # noqa: PLC0415 - loads native libraries

        # A folder of its own: processes would register their models in each other's list.
        return Runtime(source, foundry_folder(data_dir) / "serving" / source.key)

    return ThreadedEngine(source.name, load)


def _engine(asked: argparse.Namespace) -> Engine:
    hints = tuple((name, value) for name, value in json.loads(asked.hints))
    return foundry_engine(
        Source(asked.name, asked.folder, tuple(asked.providers), hints), asked.data_dir
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rag.models.foundry.server")
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--hints", required=True)
    parser.add_argument("--providers", nargs="*", default=[])
    return serve_as_child(parser, _engine)


if __name__ == "__main__":
    sys.exit(main())
