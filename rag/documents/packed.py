"""Packed formats: the members of a zip file, never more of them than the limit.

Declared sizes can be trusted: ``zipfile`` never reads past them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from rag.documents.limits import Limits
from rag.errors import DocumentTooLarge

_TEXT = (".xml", ".rels")


def unpacked(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Raises DocumentTooLarge where the XML in it would unpack to more than the limit."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    within(
        (each for each in archive.infolist() if each.filename.lower().endswith(_TEXT)),
        limits,
    )
    return archive


def within(members: Iterable[zipfile.ZipInfo], limits: Limits) -> None:
    if sum(each.file_size for each in members) > limits.unpacked_bytes:
        raise DocumentTooLarge(
            f"The file unpacks to more than {limits.unpacked_bytes // 1_000_000} MB of text. "
            "Split it, or save it as PDF."
        )
