"""Packed formats: the members of a zip file, never more of them than the limit.

Declared sizes can be trusted: ``zipfile`` never reads past them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from rag.documents.limits import Limits
from rag.errors import DocumentTooLarge, UnsupportedFile

_TEXT = (".xml", ".rels")
_STRICT = b"http://purl.oclc.org/ooxml/"
_RELATIONS_BYTES = 100_000


def unpacked(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Raises DocumentTooLarge where the XML in it would unpack to more than the limit."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    within(
        (each for each in archive.infolist() if each.filename.lower().endswith(_TEXT)),
        limits,
    )
    return archive


def refuse_strict(office_file: zipfile.ZipFile) -> None:
    """Raises UnsupportedFile for the one form of Office files that no reader here knows."""
    with office_file.open("_rels/.rels") as relations:
        if _STRICT in relations.read(_RELATIONS_BYTES):
            raise UnsupportedFile(
                "The file is in the form Strict Open XML, which is not read here. "
                "Save it in the usual form of PowerPoint or Excel and add that."
            )


def within(members: Iterable[zipfile.ZipInfo], limits: Limits) -> None:
    if sum(each.file_size for each in members) > limits.unpacked_bytes:
        raise DocumentTooLarge(
            f"The file unpacks to more than {limits.unpacked_bytes // 1_000_000} MB of text. "
            "Split it, or save it as PDF."
        )
