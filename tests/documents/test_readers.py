"""Texts and tables in any encoding, and the sentences for what cannot be read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from documents import nasty
from documents.reading import opened, refusal, text

from rag.documents.limits import Limits
from rag.documents.readers import read


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.md", "text/markdown"),
        ("a.MARKDOWN", "text/markdown"),
        ("a.txt", "text/plain"),
        ("README", "text/plain"),
        ("a.py", "text/x-source"),
        ("a.unheard", "text/plain"),
        ("a.csv", "text/csv"),
        ("a.html", "text/html"),
    ],
)
def test_the_name_decides_when_the_bytes_are_text(
    tmp_path: Path, name: str, media_type: str
) -> None:
    document = opened(nasty.written(tmp_path / name, "Some words."))
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
def test_text_is_read_when_its_encoding_is_not_told(
    tmp_path: Path, words: str, encoding: str
) -> None:
    data = words.encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert text(nasty.written(tmp_path / "a.txt", data)) == words


def test_only_the_odd_lines_are_guessed_when_encodings_are_mixed(tmp_path: Path) -> None:
    lines = ["Prețul este mare.\n".encode()] * 5 + ["Preţul este şi mai mare.\n".encode("cp1250")]
    read_lines = text(nasty.written(tmp_path / "mixed.txt", b"".join(lines))).splitlines()
    assert read_lines == ["Prețul este mare."] * 5 + ["Preţul este şi mai mare."]


def test_nuls_are_left_out_when_a_text_has_some(tmp_path: Path) -> None:
    assert text(nasty.written(tmp_path / "a.txt", b"one\x00 two\x00\n")) == "one two"


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
def test_rows_come_out_when_a_table_has_any_separator(
    tmp_path: Path, content: str, rows: str
) -> None:
    assert text(nasty.written(tmp_path / "table.csv", content)) == rows.strip()


def test_a_cell_is_read_when_it_is_enormous(tmp_path: Path) -> None:
    path = nasty.written(tmp_path / "big.csv", "a,b\n1," + "x" * 500_000 + "\n")
    assert len(text(path)) == len("a | b\n1 | ") + 500_000
    assert csv.field_size_limit() > 500_000


def test_a_line_is_read_when_it_is_enormous(tmp_path: Path) -> None:
    assert len(text(nasty.written(tmp_path / "big.txt", "word " * 400_000))) == 5 * 400_000 - 1


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.pdf", "a.txt", "a.docx", "a.csv", "a"])
def test_a_file_is_empty_when_it_has_no_bytes(tmp_path: Path, name: str) -> None:
    error, reason = refusal(nasty.written(tmp_path / name, b""))
    assert (error, reason) == (
        "EmptyDocument",
        "The file is empty. See whether it was copied wholly.",
    )


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv"])
def test_a_file_is_empty_when_it_is_all_space(tmp_path: Path, name: str) -> None:
    assert refusal(nasty.written(tmp_path / name, " \n\t\r\n" * 50))[0] == "EmptyDocument"


def test_a_file_is_refused_when_it_is_too_large(tmp_path: Path) -> None:
    path = nasty.written(tmp_path / "large.txt", "word " * 500_000)
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
        ("a.csv", nasty.workbook, "an Excel workbook, not a table of comma-separated values as"),
        ("a.pptx", nasty.workbook, "an Excel workbook, not a PowerPoint presentation as its name"),
        ("a.docx", nasty.slides, "a PowerPoint presentation, not a Word document as its name says"),
        ("a.epub", nasty.word, "a Word document, not an e-book as its name says."),
        ("a.eml", nasty.pdf, "a PDF document, not a mail as its name says."),
        ("a.xlsx", lambda path: nasty.written(path, "a,b"), "plain text, not an Excel workbook as"),
        ("a.xlsb", lambda path: nasty.packed(path, {"xl/workbook.bin": b""}), "in binary form"),
        ("a.odt", lambda path: nasty.packed(path, {"content.xml": b""}), "an OpenDocument file"),
        ("a.xlsx", lambda path: nasty.strict(nasty.workbook(path)), "Strict Open XML, which is"),
        ("a.pptx", lambda path: nasty.strict(nasty.slides(path)), "Strict Open XML, which is"),
        ("a.zip", lambda path: nasty.packed(path, {"a.txt": b"words"}), "an archive"),
        ("a.zip", lambda path: nasty.packed(path, {"a.zip": b"PK"}), "Unpack it and add the files"),
        ("a.xlsx", lambda path: nasty.packed(path, {}), "an archive"),
        ("a.tar", nasty.tar, "an archive"),
        ("a.txt", nasty.tar, "an archive"),
        ("a.msg", lambda path: nasty.written(path, nasty.OLE + bytes(99)), "a mail as EML"),
        ("a.doc", lambda path: nasty.written(path, nasty.OLE + bytes(99)), "older Office"),
        ("a.rtf", lambda path: nasty.written(path, b"{\\rtf1 words}"), "an RTF text"),
        ("a.bin", lambda path: nasty.written(path, bytes(range(256)) * 9), "of a kind that is not"),
    ],
)
def test_what_it_is_and_what_to_do_are_told_when_a_file_is_not_readable(
    tmp_path: Path, name: str, make, sentence: str
) -> None:
    error, reason = refusal(make(tmp_path / name))
    assert error == "UnsupportedFile"
    assert sentence in reason


def test_a_text_is_damaged_when_it_is_noise(tmp_path: Path) -> None:
    error, reason = refusal(nasty.written(tmp_path / "a.txt", bytes(range(256)) * 40))
    assert error == "BrokenDocument"
    assert "nothing in it looks like a plain text" in reason


def test_a_sentence_comes_out_when_the_file_is_not_there(tmp_path: Path) -> None:
    error, reason = refusal(tmp_path / "gone.pdf")
    assert (error, reason) == (
        "BrokenDocument",
        "The file cannot be opened: No such file or directory. See that it is there.",
    )


def test_a_folder_is_refused_when_it_is_given_for_a_file(tmp_path: Path) -> None:
    assert refusal(tmp_path)[0] == "UnsupportedFile"


def test_the_name_can_be_stored_when_the_file_system_has_an_odd_one(tmp_path: Path) -> None:
    path = nasty.written(tmp_path / "a.txt", "words")
    assert read(path, "odd\udcff.txt", Limits()).name == "odd?.txt"
