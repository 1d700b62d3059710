"""Makes the files that readers stumble over. Each function writes one and returns its path."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import docx
import pypdf
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "The warranty lasts twenty-four months from the day of delivery."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def pdf(path: Path, pages: Sequence[str] = (SENTENCE,)) -> Path:
    """A page for each text, a line for each line of it; "" is an empty page."""
    canvas = Canvas(str(path))
    for page in pages:
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 770 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return path


def pdf_locked(path: Path, user: str, algorithm: str = "AES-256", owner: str = "owner") -> Path:
    writer = pypdf.PdfWriter(clone_from=pdf(path))
    writer.encrypt(user, owner, algorithm=algorithm)
    writer.write(path)
    return path


def pdf_with_stream(path: Path, stream: bytes, more: bytes = b"") -> Path:
    """One page whose content is ``stream``, written by hand, without a cross-reference table."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 " + font + b">>" + more + b">>>>endobj\n"
        b"4 0 obj<</Length " + str(len(stream)).encode() + b">>stream\n" + stream + b"\nendstream\n"
        b"endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return path


def pdf_page_tree_loop(path: Path) -> Path:
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return path


def pdf_truncated(path: Path) -> Path:
    whole = pdf(path, ["One page."] * 5).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def word(path: Path, build: Callable[[docx.document.Document], object] | None = None) -> Path:
    document = docx.Document()
    if build:
        build(document)
    document.save(str(path))
    return path


def word_members(path: Path, members: dict[str, bytes]) -> Path:
    """A DOCX with some of its members replaced."""
    original = zipfile.ZipFile(word(path))
    kept = {name: original.read(name) for name in original.namelist()}
    original.close()
    return packed(path, {**kept, **members})


def packed(path: Path, members: dict[str, bytes]) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    return path


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
