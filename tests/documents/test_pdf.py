"""PDFs: pages of text, locks, scans and damage; real ones end in a document or a sentence."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path

import pytest
from documents import nasty
from documents.reading import opened, outcome, refusal, text

from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.errors import BrokenDocument, EmptyDocument, EncryptedDocument
from rag.types import Document

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "pdfs"


def test_a_pdf_is_read_page_by_page_when_it_has_text(tmp_path: Path) -> None:
    path = nasty.pdf(
        tmp_path / "two.pdf", [nasty.SENTENCE, "Page two,\nwith a hyphen-\nated word."]
    )
    told: list[tuple[int, int]] = []
    document = read(path, "Two", Limits(), on_page=lambda *count: told.append(count))
    assert document == Document(
        id=hashlib.sha256(path.read_bytes()).hexdigest(),
        name="Two",
        media_type="application/pdf",
        pages=(nasty.SENTENCE, "Page two,\nwith a hyphenated word."),
        language="en",
    )
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("pages", "note"),
    [
        (["", "text"], "Page 1 has no text: it looks scanned."),
        (["text", "", "text", "", "", ""], "Pages 2, 4–6 have no text: they look scanned."),
    ],
)
def test_pages_are_named_when_they_have_no_text(
    tmp_path: Path, pages: list[str], note: str
) -> None:
    assert opened(nasty.pdf(tmp_path / "scanned.pdf", pages)).note == note


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [([""], "The file has no text."), (["", "", ""], "None of the 3 pages has text.")],
)
def test_text_recognition_is_advised_when_no_page_has_text(
    tmp_path: Path, pages: list[str], sentence: str
) -> None:
    error, reason = refusal(nasty.pdf(tmp_path / "scanned.pdf", pages))
    assert error == "EmptyDocument"
    assert reason.startswith(sentence)
    assert "OCR" in reason


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_locked_pdf_is_read_when_no_password_is_needed_to_open_it(
    tmp_path: Path, algorithm: str
) -> None:
    path = nasty.pdf_locked(tmp_path / "locked.pdf", user="", algorithm=algorithm)
    assert text(path) == nasty.SENTENCE


def test_a_locked_pdf_is_read_when_its_password_is_given(tmp_path: Path) -> None:
    path = nasty.pdf_locked(tmp_path / "locked.pdf", user="parolă")
    assert opened(path, password="parolă").pages == (nasty.SENTENCE,)
    assert opened(path, password="owner").pages == (nasty.SENTENCE,)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("", "The file is protected by a password."), ("no", "The password does not open the file.")],
)
def test_a_password_is_asked_for_when_a_pdf_needs_one(
    tmp_path: Path, password: str, sentence: str
) -> None:
    path = nasty.pdf_locked(tmp_path / "locked.pdf", user="secret")
    error, reason = refusal(path, password=password)
    assert error == "EncryptedDocument"
    assert reason.startswith(sentence)


def test_a_pdf_is_refused_when_it_has_too_many_pages(tmp_path: Path) -> None:
    error, reason = refusal(nasty.pdf(tmp_path / "long.pdf", ["text"] * 3), Limits(pages=2))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file has 3 pages; 2 are read at most.")


def test_the_other_pages_are_read_when_one_is_damaged(tmp_path: Path) -> None:
    path = nasty.pdf(tmp_path / "hurt.pdf", ["first", "second", "third"])
    broken = path.read_bytes().replace(b"/ASCII85Decode", b"/NoSuchDecoder", 1)
    document = opened(nasty.written(path, broken))
    assert sorted(document.pages) == ["", "second", "third"]
    assert document.note == "Page 1 could not be read: the file is damaged there."


def test_a_page_is_named_when_its_signs_stand_for_no_letters(tmp_path: Path) -> None:
    path = nasty.pdf_with_stream(tmp_path / "glyphs.pdf", b"BT /F1 9 Tf (/G43/G24/G12 /G44) Tj ET")
    assert opened(path).note == (
        "Page 1 may be unreadable: the file does not say which letters its signs stand for."
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda path: nasty.written(path, b"%PDF-1.7\n%%EOF"),
        lambda path: nasty.written(path, b"%PDF-1.7\n" + os.urandom(4_096)),
        lambda path: nasty.written(path, os.urandom(4_096)),
        nasty.pdf_page_tree_loop,
        nasty.pdf_truncated,
        lambda path: nasty.pdf_with_stream(path, b"((((" * 10_000),
        lambda path: nasty.pdf_with_stream(path, b"[" * 100_000),
        lambda path: nasty.pdf_with_stream(path, b"BT /F1 9 Tf <d83d> Tj (\xff\xfe\x00) Tj ET"),
    ],
    ids=["bare", "noise", "all noise", "loop", "cut", "parentheses", "brackets", "odd strings"],
)
def test_there_is_a_document_or_a_sentence_when_a_pdf_is_damaged(tmp_path: Path, make) -> None:
    match outcome(make(tmp_path / "bad.pdf")):
        case Document(pages=pages):
            "".join(pages).encode()
        case error:
            assert str(error).endswith(".")
            assert str(tmp_path) not in str(error)


def test_a_pdf_is_read_when_its_end_is_lost(tmp_path: Path) -> None:
    path = nasty.pdf_with_stream(tmp_path / "cut.pdf", b"BT /F1 9 Tf (Some words.) Tj ET")
    assert text(path) == "Some words."


def _manifest() -> list[dict[str, str]]:
    path = SHARED / "manifest.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_real_pdf_ends_in_a_document_or_a_sentence_when_it_is_read() -> None:
    files = [row for row in _manifest() if "slow" not in row["classes"]]
    if not files:
        pytest.skip("the real PDFs in ../shared/data are not here")
    for row in files:
        path, classes = SHARED / "files" / row["file"], row["classes"].split("|")
        match outcome(path, row["password"]):
            case Document(pages=pages):
                assert len(pages) == int(row["pages"]), row
                "".join(pages).encode()
            case error:
                assert "normal" not in classes, (row, error)
                assert isinstance(error, (EncryptedDocument, EmptyDocument, BrokenDocument))
                locked = "needs-password" in classes and not _opens(path, row["password"])
                assert isinstance(error, EncryptedDocument) == locked, (row, error)


def _opens(path: Path, password: str) -> bool:
    import pypdf

    return pypdf.PdfReader(path).decrypt(password) != pypdf.PasswordType.NOT_DECRYPTED
