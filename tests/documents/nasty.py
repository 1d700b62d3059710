"""Makes the files that readers stumble over. Each function writes one and returns its path."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
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


def slides(path: Path, build: Callable[[pptx.presentation.Presentation], object] | None = None):
    presentation = pptx.Presentation()
    if build:
        build(presentation)
    presentation.save(str(path))
    return path


def workbook(path: Path, build: Callable[[openpyxl.Workbook], object] | None = None) -> Path:
    book = openpyxl.Workbook()
    if build:
        build(book)
    book.save(path)
    return path


def ebook(path: Path, chapters: Mapping[str, str | bytes], **more: str) -> Path:
    """An EPUB whose chapters stand in the order given; ``more`` are members of META-INF."""
    manifest = "".join(
        f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in reversed(list(enumerate(chapters)))
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        f"<manifest>{manifest}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    members = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    members |= {f"META-INF/{name}.xml": content for name, content in more.items()}
    members |= {"OEBPS/book.opf": package}
    members |= {f"OEBPS/{name.replace('%20', ' ')}": text for name, text in chapters.items()}
    return packed(path, members)


def mail(path: Path, build: Callable[[EmailMessage], object] | None = None) -> Path:
    message = EmailMessage()
    message["From"] = "Ana Pop <ana@example.org>"
    message["To"] = "shop@example.org"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0200"
    message["Subject"] = "Garanție"
    message.set_content(SENTENCE)
    if build:
        build(message)
    return written(path, message.as_bytes())


def tar(path: Path) -> Path:
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(SENTENCE)
        archive.addfile(member, io.BytesIO(SENTENCE.encode()))
    return path


def word_members(path: Path, members: dict[str, bytes]) -> Path:
    """A DOCX with some of its members replaced."""
    return with_members(word(path), members)


def with_members(path: Path, members: Mapping[str, bytes]) -> Path:
    """A packed file with some of its members replaced, and others added."""
    with zipfile.ZipFile(path) as original:
        kept = {name: original.read(name) for name in original.namelist()}
    return packed(path, {**kept, **members})


def members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def strict(path: Path) -> Path:
    """The file as an Office file of the form Strict Open XML says what is in it."""
    usual = b"http://schemas.openxmlformats.org/officeDocument/2006/"
    relations = member(path, "_rels/.rels")
    assert usual in relations
    changed = relations.replace(usual, b"http://purl.oclc.org/ooxml/officeDocument/")
    return with_members(path, {"_rels/.rels": changed})


def locked(path: Path) -> Path:
    """The file with every member marked as encrypted."""
    packed_bytes = bytearray(path.read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := packed_bytes.find(signature, at + 1)) >= 0:
            packed_bytes[at + flags_at] |= 1
    return written(path, bytes(packed_bytes))


def packed(path: Path, members: Mapping[str, str | bytes]) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    return path


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
