"""Readers: what is in a file comes out as a person would read it, or a sentence says why not."""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from pathlib import Path

import pytest

from rag.documents.limits import Limits
from rag.documents.readers import read
from rag.errors import (
    BrokenDocument,
    DocumentError,
    EmptyDocument,
    EncryptedDocument,
)
from rag.types import Document

sys.path.insert(0, str(Path(__file__).parent))
import nasty

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "pdfs"


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


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path


# --- PDF ---------------------------------------------------------------------------------


def test_a_pdf_is_read_page_by_page_when_it_has_text(here: Path) -> None:
    path = nasty.pdf(here / "two.pdf", [nasty.SENTENCE, "Page two,\nwith a hyphen-\nated word."])
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
def test_pages_are_named_when_they_have_no_text(here: Path, pages: list[str], note: str) -> None:
    assert opened(nasty.pdf(here / "scanned.pdf", pages)).note == note


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [([""], "The file has no text."), (["", "", ""], "None of the 3 pages has text.")],
)
def test_text_recognition_is_advised_when_no_page_has_text(
    here: Path, pages: list[str], sentence: str
) -> None:
    error, reason = refusal(nasty.pdf(here / "scanned.pdf", pages))
    assert error == "EmptyDocument"
    assert reason.startswith(sentence)
    assert "OCR" in reason


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_locked_pdf_is_read_when_no_password_is_needed_to_open_it(
    here: Path, algorithm: str
) -> None:
    path = nasty.pdf_locked(here / "locked.pdf", user="", algorithm=algorithm)
    assert text(path) == nasty.SENTENCE


def test_a_locked_pdf_is_read_when_its_password_is_given(here: Path) -> None:
    path = nasty.pdf_locked(here / "locked.pdf", user="parolă")
    assert opened(path, password="parolă").pages == (nasty.SENTENCE,)
    assert opened(path, password="owner").pages == (nasty.SENTENCE,)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("", "The file is protected by a password."), ("no", "The password does not open the file.")],
)
def test_a_password_is_asked_for_when_a_pdf_needs_one(
    here: Path, password: str, sentence: str
) -> None:
    path = nasty.pdf_locked(here / "locked.pdf", user="secret")
    error, reason = refusal(path, password=password)
    assert error == "EncryptedDocument"
    assert reason.startswith(sentence)


def test_a_pdf_is_refused_when_it_has_too_many_pages(here: Path) -> None:
    error, reason = refusal(nasty.pdf(here / "long.pdf", ["text"] * 3), Limits(pages=2))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file has 3 pages; 2 are read at most.")


def test_the_other_pages_are_read_when_one_is_damaged(here: Path) -> None:
    path = nasty.pdf(here / "hurt.pdf", ["first", "second", "third"])
    broken = path.read_bytes().replace(b"/ASCII85Decode", b"/NoSuchDecoder", 1)
    document = opened(nasty.written(path, broken))
    assert sorted(document.pages) == ["", "second", "third"]
    assert document.note == "Page 1 could not be read: the file is damaged there."


def test_a_page_is_named_when_its_signs_stand_for_no_letters(here: Path) -> None:
    path = nasty.pdf_with_stream(here / "glyphs.pdf", b"BT /F1 9 Tf (/G43/G24/G12 /G44) Tj ET")
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
def test_there_is_a_document_or_a_sentence_when_a_pdf_is_damaged(here: Path, make) -> None:
    match outcome(make(here / "bad.pdf")):
        case Document(pages=pages):
            "".join(pages).encode()
        case error:
            assert str(error).endswith(".")
            assert str(here) not in str(error)


def test_a_pdf_is_read_when_its_end_is_lost(here: Path) -> None:
    path = nasty.pdf_with_stream(here / "cut.pdf", b"BT /F1 9 Tf (Some words.) Tj ET")
    assert text(path) == "Some words."


# --- Word, web pages ---------------------------------------------------------------------


def test_word_headings_become_markdown_when_a_document_has_some(here: Path) -> None:
    def build(document) -> None:
        document.add_heading("The contract", 0)
        document.add_heading("Delivery", 1)
        document.add_paragraph("Within ten days.")
        document.add_paragraph("packed", style="List Bullet")
        table = document.add_table(2, 2)
        for cell, words in zip(table._cells, ["Item", "Price", "Tea", "1,50"], strict=True):
            cell.text = words

    document = opened(nasty.word(here / "contract.docx", build))
    assert document.pages == (
        "# The contract\n\n# Delivery\n\nWithin ten days.\n\n- packed\n\n"
        "| | |\n| --- | --- |\n| Item | Price |\n| Tea | 1,50 |",
    )
    assert document.media_type.endswith("wordprocessingml.document")


def test_a_word_document_is_empty_when_it_has_no_words(here: Path) -> None:
    error, reason = refusal(nasty.word(here / "empty.docx"))
    assert (error, reason) == (
        "EmptyDocument",
        "The file has no text. See whether it was saved wholly.",
    )


def test_a_word_document_is_refused_when_it_unpacks_to_too_much(here: Path) -> None:
    bomb = nasty.word_members(here / "bomb.docx", {"word/document.xml": b" " * 5_000_000})
    assert bomb.stat().st_size < 100_000
    error, reason = refusal(bomb, Limits(unpacked_bytes=4_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file unpacks to more than 4 MB of text.")


def test_a_word_document_is_damaged_when_its_entities_explode(here: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    laughs = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e0 "ha">{levels}]><w>&e11;</w>'
    path = nasty.word_members(here / "laughs.docx", {"word/document.xml": laughs.encode()})
    assert refusal(path)[0] == "BrokenDocument"


def test_a_word_document_is_damaged_when_it_is_cut(here: Path) -> None:
    path = nasty.word(here / "cut.docx")
    assert refusal(nasty.written(path, path.read_bytes()[:1_000]))[0] == "BrokenDocument"


def test_a_word_document_is_damaged_when_its_text_is_missing(here: Path) -> None:
    path = nasty.packed(here / "odd.docx", {"word/other.xml": b"<a/>"})
    assert refusal(path)[0] == "BrokenDocument"


def test_a_password_is_told_of_when_an_office_file_has_one(here: Path) -> None:
    content = nasty.OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    error, reason = refusal(nasty.written(here / "locked.docx", content))
    assert error == "EncryptedDocument"
    assert "password" in reason


def test_scripts_and_styles_are_left_out_when_a_web_page_has_some(here: Path) -> None:
    page = (
        "<!doctype html><html><head><title>Shop &amp; Co</title><style>p{color:red}</style></head>"
        "<body><script>alert('x')</script><h2>Opening <em>hours</em></h2><p>From <b>nine</b><br>"
        "to <a href='https://example.org/?q=1'>five</a>.<!-- not this --><ul><li>Monday<li>Friday"
        "</ul><img src='x.png' alt=''><noscript></noscript></body></html>"
    )
    assert text(nasty.written(here / "page.html", page)) == (
        "# Shop & Co\n\n## Opening hours\n\nFrom nine\nto five.\n\n- Monday\n- Friday"
    )


def test_a_web_page_is_read_when_it_is_nested_without_end(here: Path) -> None:
    assert text(nasty.written(here / "deep.html", "<div>" * 50_000 + "deep")) == "deep"


def test_the_declared_encoding_is_used_when_a_web_page_is_not_in_utf8(here: Path) -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><p>Preţ şi garanţie</p></html>'
    assert text(nasty.written(here / "old.htm", page.encode("iso-8859-2"))) == "Preţ şi garanţie"


def test_xhtml_is_read_when_it_says_that_it_is_xml(here: Path) -> None:
    page = '<?xml version="1.0" encoding="utf-8"?><html><body><p>Preț</p></body></html>'
    assert text(nasty.written(here / "page.xhtml", page)) == "Preț"


# --- text and tables ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.md", "text/markdown"),
        ("a.MARKDOWN", "text/markdown"),
        ("a.txt", "text/plain"),
        ("README", "text/plain"),
        ("a.py", "text/plain"),
        ("a.csv", "text/csv"),
        ("a.html", "text/html"),
    ],
)
def test_the_name_decides_when_the_bytes_are_text(here: Path, name: str, media_type: str) -> None:
    document = opened(nasty.written(here / name, "Some words."))
    assert (document.media_type, document.pages) == (media_type, ("Some words.",))


ROMANIAN = "Ţara şi oraşul: garanţie, preţ, câştig, îngheţată, România."


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Țară și preț", "utf-8"),
        ("Țară și preț", "utf-8-sig"),
        ("Țară și preț", "utf-16"),
        ("Țară și preț", "utf-16-be"),
        ("Țară și preț", "utf-32"),
        ("A plain English sentence.", "utf-16-le"),
        (ROMANIAN, "cp1250"),
        (ROMANIAN, "iso-8859-2"),
        ("The café’s “résumé” costs £5 — naïve.", "cp1252"),
        ("Die Straße führt über die Brücke. Größe und Öl.", "cp1252"),
        ("Zażółć gęślą jaźń. Ulica Świętokrzyska, województwo łódzkie.", "cp1250"),
        ("Съешь ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
    ],
)
def test_text_is_read_when_its_encoding_is_not_told(here: Path, words: str, encoding: str) -> None:
    data = words.encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert text(nasty.written(here / "a.txt", data)) == words


def test_only_the_odd_lines_are_guessed_when_encodings_are_mixed(here: Path) -> None:
    lines = ["Prețul este mare.\n".encode()] * 5 + ["Preţul este şi mai mare.\n".encode("cp1250")]
    read_lines = text(nasty.written(here / "mixed.txt", b"".join(lines))).splitlines()
    assert read_lines == ["Prețul este mare."] * 5 + ["Preţul este şi mai mare."]


def test_nuls_are_left_out_when_a_text_has_some(here: Path) -> None:
    assert text(nasty.written(here / "a.txt", b"one\x00 two\x00\n")) == "one two"


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("name,price\nTea,1\n", "name | price\nTea | 1"),
        ("name;price\nTea;1,5\nCoffee;2,5\n", "name | price\nTea | 1,5\nCoffee | 2,5"),
        ("name\tprice\nTea\t1\n", "name | price\nTea | 1"),
        ("name|price\nTea|1\n", "name | price\nTea | 1"),
        ("sep=;\na,b;c\n", "a,b | c"),
        (
            'name,note\nTea,"two\nlines, and ""quotes"""\n',
            'name | note\nTea | two lines, and "quotes"',
        ),
        ("one column\nonly\n", "one column\nonly"),
        ("a,b\n\n,\nc,d\n", "a | b\nc | d"),
        ('a,b\n"never closed,c\n' + "d,e\n" * 40, 'a | b\n"never closed | c\n' + "d | e\n" * 40),
    ],
    ids=["comma", "semicolon", "tab", "bar", "sep=", "quoted", "one", "empty rows", "open quote"],
)
def test_rows_come_out_when_a_table_has_any_separator(here: Path, content: str, rows: str) -> None:
    assert text(nasty.written(here / "table.csv", content)) == rows.strip()


def test_a_cell_is_read_when_it_is_enormous(here: Path) -> None:
    path = nasty.written(here / "big.csv", "a,b\n1," + "x" * 500_000 + "\n")
    assert len(text(path)) == len("a | b\n1 | ") + 500_000
    assert csv.field_size_limit() > 500_000


def test_a_line_is_read_when_it_is_enormous(here: Path) -> None:
    assert len(text(nasty.written(here / "big.txt", "word " * 400_000))) == 5 * 400_000 - 1


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.docx", "a.csv", "a"])
def test_a_file_is_empty_when_it_has_no_bytes(here: Path, name: str) -> None:
    error, reason = refusal(nasty.written(here / name, b""))
    assert (error, reason) == (
        "EmptyDocument",
        "The file is empty. See whether it was copied wholly.",
    )


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv"])
def test_a_file_is_empty_when_it_is_all_space(here: Path, name: str) -> None:
    assert refusal(nasty.written(here / name, " \n\t\r\n" * 50))[0] == "EmptyDocument"


def test_a_file_is_refused_when_it_is_too_large(here: Path) -> None:
    path = nasty.written(here / "large.txt", "word " * 500_000)
    error, reason = refusal(path, Limits(file_bytes=2_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file has 2 MB; 2 are read at most.")
    error, reason = refusal(path, Limits(page_chars=1_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file holds 2,499,999 characters; 1,000,000 are read at most.")


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("a.pdf", lambda path: nasty.written(path, "words"), "plain text, not a PDF document as"),
        ("a.docx", lambda path: nasty.written(path, "words"), "plain text, not a Word document as"),
        ("a.docx", nasty.pdf, "a PDF document, not a Word document as its name says. Rename it"),
        ("a.txt", nasty.pdf, "a PDF document, not a plain text as its name says."),
        ("a.pdf", nasty.word, "a Word document, not a PDF document as its name says."),
        ("a.pdf", lambda path: nasty.written(path, nasty.PNG), "a PNG picture"),
        ("a.txt", lambda path: nasty.written(path, nasty.PNG), "a PNG picture"),
        ("a.csv", lambda path: nasty.packed(path, {"xl/workbook.xml": b""}), "an Excel workbook"),
        ("a.xlsx", lambda path: nasty.packed(path, {"xl/workbook.xml": b""}), "an Excel workbook"),
        ("a.zip", lambda path: nasty.packed(path, {"a.txt": b"words"}), "an archive"),
        ("a.doc", lambda path: nasty.written(path, nasty.OLE + bytes(99)), "older Office"),
        ("a.rtf", lambda path: nasty.written(path, b"{\\rtf1 words}"), "an RTF text"),
        ("a.bin", lambda path: nasty.written(path, bytes(range(256)) * 9), "of a kind that is not"),
    ],
)
def test_what_it_is_and_what_to_do_are_told_when_a_file_is_not_readable(
    here: Path, name: str, make, sentence: str
) -> None:
    error, reason = refusal(make(here / name))
    assert error == "UnsupportedFile"
    assert sentence in reason


def test_a_text_is_damaged_when_it_is_noise(here: Path) -> None:
    error, reason = refusal(nasty.written(here / "a.txt", bytes(range(256)) * 40))
    assert error == "BrokenDocument"
    assert "nothing in it looks like a plain text" in reason


def test_a_sentence_comes_out_when_the_file_is_not_there(here: Path) -> None:
    error, reason = refusal(here / "gone.pdf")
    assert (error, reason) == (
        "BrokenDocument",
        "The file cannot be opened: No such file or directory. See that it is there.",
    )


def test_a_folder_is_refused_when_it_is_given_for_a_file(here: Path) -> None:
    assert refusal(here)[0] == "UnsupportedFile"


def test_the_name_can_be_stored_when_the_file_system_has_an_odd_one(here: Path) -> None:
    path = nasty.written(here / "a.txt", "words")
    assert read(path, "odd\udcff.txt", Limits()).name == "odd?.txt"


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
