"""A file read, for the tests of the readers: its document, its text, or why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.errors import DocumentError
from rag.types import Document


def opened(path: Path, limits: Limits | None = None, password: str = "") -> Document:
    return read(path, path.name, limits or Limits(), password=password)


def text(path: Path) -> str:
    [only] = opened(path).pages
    return only


def outcome(path: Path, password: str = "") -> Document | DocumentError:
    try:
        return opened(path, password=password)
    except DocumentError as exc:
        return exc


def refusal(path: Path, limits: Limits | None = None, password: str = "") -> tuple[str, str]:
    """The class of the error, and its sentence."""
    with pytest.raises(DocumentError) as caught:
        opened(path, limits, password)
    return type(caught.value).__name__, str(caught.value)
