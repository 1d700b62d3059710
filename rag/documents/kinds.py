"""What a file is: its bytes and its name in, a kind we read out; both must agree.

Knows signatures only, not how anything is read.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePath

from rag.documents.encodings import is_text
from rag.errors import BrokenDocument, EncryptedDocument, UnsupportedFile


@dataclass(frozen=True, slots=True)
class Kind:
    media_type: str
    what: str  # with its article, to be put into a sentence
    extensions: tuple[str, ...]


_CODE = (
    "py pyi js mjs ts tsx jsx java kt scala c h cc cpp hpp cs go rs rb php swift lua pl r jl sh "
    "bash ps1 bat sql proto graphql tf json jsonl yaml yml toml ini cfg conf properties xml css tex"
)

PDF = Kind("application/pdf", "a PDF document", (".pdf",))
DOCX = Kind(
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "a Word document",
    (".docx", ".docm"),
)
PPTX = Kind(
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "a PowerPoint presentation",
    (".pptx", ".pptm", ".ppsx"),
)
XLSX = Kind(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "an Excel workbook",
    (".xlsx", ".xlsm"),
)
EPUB = Kind("application/epub+zip", "an e-book", (".epub",))
MAIL = Kind("message/rfc822", "a mail", (".eml",))
HTML = Kind("text/html", "a web page", (".html", ".htm", ".xhtml"))
MARKDOWN = Kind("text/markdown", "a Markdown text", (".md", ".markdown"))
CSV = Kind("text/csv", "a table of comma-separated values", (".csv", ".tsv"))
PLAIN = Kind("text/plain", "a plain text", (".txt", ".text", ".log", ".rst"))
CODE = Kind("text/x-source", "source code", tuple(f".{each}" for each in _CODE.split()))

READABLE = (PDF, DOCX, PPTX, XLSX, EPUB, HTML, MAIL, MARKDOWN, CSV, PLAIN, CODE)
_TOLD_BY_BYTES = frozenset({PDF, DOCX, PPTX, XLSX, EPUB})
_BY_EXTENSION = {extension: kind for kind in READABLE for extension in kind.extensions}
EXTENSIONS = frozenset(_BY_EXTENSION)

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second holds nothing
_FLAG_LOCKED = 1  # in the flags of a zip's member
_TAR, _TAR_AT = b"ustar", 257
_MAIL_HEAD = re.compile(rb"\s*(?:From |[!-9;-~]+:)")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PDF_HEADER_WITHIN = 1_024  # bytes; junk may come first

# What a file is that we cannot read, and what to do.
_AS_PDF = "Save it as PDF and add that."
_OCR = "Text in pictures is not read; run text recognition (OCR) on it and add the result."
_LOCKED_FILE = "The file is protected by a password. Save a copy without one and add that."
_UNPACK = "Unpack it and add the files in it."
_REFUSED = (
    (b"\x89PNG", "a PNG picture", _OCR),
    (b"\xff\xd8\xff", "a JPEG picture", _OCR),
    (b"GIF8", "a GIF picture", _OCR),
    (b"II*\x00", "a TIFF picture", _OCR),
    (b"MM\x00*", "a TIFF picture", _OCR),
    (b"RIFF", "a picture, a sound or a film", _OCR),
    (b"{\\rtf", "an RTF text", "Save it as DOCX or PDF and add that."),
    (b"%!PS", "a PostScript file", _AS_PDF),
    (
        _OLE,
        "a file of an older Office (.doc, .xls, .ppt) or of Outlook (.msg)",
        "Save it as DOCX, XLSX, PPTX or PDF, a mail as EML, and add that.",
    ),
    (b"\x1f\x8b", "a packed file", _UNPACK),
    (b"7z\xbc\xaf", "a packed file", _UNPACK),
    (b"Rar!", "a packed file", _UNPACK),
    (b"BZh", "a packed file", _UNPACK),
    (b"\xfd7zXZ\x00", "a packed file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a packed file", _UNPACK),
    (b"\x7fELF", "a program", "Only documents are read."),
    (b"MZ", "a program", "Only documents are read."),
    (b"SQLite format 3", "a database", "Export what matters as CSV and add that."),
)
# By the beginnings of the names of a zip's members; the first that fits.
_ZIPPED = (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX), ("META-INF/container.xml", EPUB))
_REFUSED_ZIPS = (
    ("xl/workbook.bin", "an Excel workbook in binary form", "Save it as XLSX and add that."),
    ("content.xml", "an OpenDocument file", "Save it as DOCX, XLSX, PPTX or PDF and add that."),
)


def by_name(name: str) -> Kind | None:
    return _BY_EXTENSION.get(PurePath(name).suffix.lower())


def kind_of(data: bytes, name: str) -> Kind:
    """The kind of a file that is not empty.

    Raises UnsupportedFile for what we do not read and for what its name belies, BrokenDocument for
    bytes that are nothing at all, EncryptedDocument for an Office file behind a password.
    """
    named = by_name(name)
    found = _packed(data, named)
    if found is None and is_text(data):
        if named is MAIL and not _MAIL_HEAD.match(data):
            raise _nothing_known(named)
        if named not in _TOLD_BY_BYTES:
            return named or PLAIN
        found = PLAIN
    if found is None:
        raise _nothing_known(named)
    if named is None or named is found:
        return found
    raise UnsupportedFile(
        f"The file is {found.what}, not {named.what} as its name says. "
        f"Rename it to end in {found.extensions[0]} and add it again."
    )


def _packed(data: bytes, named: Kind | None) -> Kind | None:
    """A kind told by its signature, None for what has none that we know."""
    start = data[:_PDF_HEADER_WITHIN]
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return PDF
    if named is PDF and (b"%PDF-" in start or b"startxref" in data[-_PDF_HEADER_WITHIN:]):
        return PDF
    if data.startswith(_ZIP):
        return _zipped(data)
    if data.startswith(_OLE) and _OLE_ENCRYPTED in data:
        raise EncryptedDocument(_LOCKED_FILE)
    for signature, what, advice in _REFUSED:
        if data.startswith(signature):
            raise _refused(what, advice)
    if data.startswith(_TAR, _TAR_AT):
        raise _refused("an archive", _UNPACK)
    return None


def _zipped(data: bytes) -> Kind:
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as exc:
        raise BrokenDocument(
            "The file is damaged or was not copied wholly. Get it again and add that."
        ) from exc
    names = [each.filename for each in members]
    for member, what, advice in _REFUSED_ZIPS:
        if member in names:
            raise _refused(what, advice)
    for beginning, kind in _ZIPPED:
        if any(name.startswith(beginning) for name in names):
            if any(each.flag_bits & _FLAG_LOCKED for each in members):
                raise EncryptedDocument(_LOCKED_FILE)
            return kind
    raise _refused("an archive", _UNPACK)


def _refused(what: str, advice: str) -> UnsupportedFile:
    return UnsupportedFile(f"The file is {what}, which is not read here. {advice}")


def _nothing_known(named: Kind | None) -> UnsupportedFile | BrokenDocument:
    if named is None:
        return UnsupportedFile(
            "The file is of a kind that is not read here. "
            "Add PDF, Word, PowerPoint, Excel, EPUB, HTML, mail, Markdown, text or CSV files."
        )
    return BrokenDocument(
        f"The file is damaged: nothing in it looks like {named.what}, as its name says it is. "
        "Get it again and add that."
    )
