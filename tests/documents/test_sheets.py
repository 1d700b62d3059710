"""Workbooks: a page a sheet, or what is wrong with the file."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import xlsxwriter
from documents import nasty
from documents.reading import opened, outcome, refusal, text

from rag.documents.chunking import spans
from rag.documents.limits import Limits

STRINGS = "xl/sharedStrings.xml"
SHEET = "xl/worksheets/sheet1.xml"
CELL = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'


def prices(book) -> None:
    book.active.title = "Prices"
    book.active.append(["Tea", "Price", "Since"])
    book.active.append(["Black", 1.5, datetime.datetime(2026, 3, 1)])
    stock = book.create_sheet("Stock")
    stock["C4"], stock["D4"], stock["C6"], stock["D6"] = "Tea", "Boxes", "two\nlines", 12
    book.create_sheet("Rates").append(["Euro", 5.1])
    book["Rates"].sheet_state = "hidden"
    book.create_sheet("Old").append(["Lei", 1])
    book["Old"].sheet_state = "veryHidden"


def sheet(path: Path, rows: str) -> Path:
    """A workbook whose one sheet has ``rows``, in XML."""
    xml = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )
    return nasty.with_members(nasty.workbook(path), {SHEET: xml.encode()})


def shared(path: Path) -> Path:
    """A workbook that keeps its words apart from its cells, as Excel does."""
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Menu").write_row(0, 0, ["Tea", "Țuică", "Tea"])
    book.close()
    return path


def test_words_are_read_when_a_workbook_keeps_them_apart(tmp_path: Path) -> None:
    assert STRINGS in nasty.members(shared(tmp_path / "a.xlsx"))
    assert text(tmp_path / "a.xlsx") == "Menu\nTea | Țuică | Tea"


def test_each_sheet_is_a_page_when_a_workbook_is_read(tmp_path: Path) -> None:
    document = opened(nasty.workbook(tmp_path / "prices.xlsx", prices))
    assert document.pages == (
        "Prices\nTea | Price | Since\nBlack | 1.5 | 2026-03-01",
        "Stock\nTea | Boxes\ntwo lines | 12",
    )
    assert document.note == "Hidden sheets not read: Rates, Old."


def test_a_row_is_found_under_sheet_and_first_row_when_it_is_a_passage(tmp_path: Path) -> None:
    document = opened(nasty.workbook(tmp_path / "prices.xlsx", prices))
    found = list(spans(document.pages[0], document.media_type, 16, 0.25))
    assert {span.section for span in found} == {"Prices: Tea | Price | Since"}
    assert document.pages[0][found[-1].start : found[-1].end] == "Black | 1.5 | 2026-03-01"


def test_stored_results_are_read_when_cells_hold_formulas(tmp_path: Path) -> None:
    rows = '<row r="1"><c r="A1"><f>6*7</f><v>42</v></c><c r="B1" t="e"><v>#REF!</v></c></row>'
    assert text(sheet(tmp_path / "a.xlsx", rows)) == "Sheet\n42 | #REF!"


@pytest.mark.parametrize(
    ("value", "said"),
    [("3.0", "3"), ("0.30000000000000004", "0.3"), ("1234567.891", "1234567.891")],
)
def test_a_number_is_said_as_it_is_shown_when_it_is_read(
    tmp_path: Path, value: str, said: str
) -> None:
    rows = f'<row r="1"><c r="A1"><v>{value}</v></c></row>'
    assert text(sheet(tmp_path / "a.xlsx", rows)) == f"Sheet\n{said}"


def test_nothing_is_made_of_a_claim_when_a_sheet_says_that_it_is_huge(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", f'<row r="2">{CELL.format("B2", "words")}</row>')
    xml = nasty.member(path, SHEET).replace(
        b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>'
    )
    assert text(nasty.with_members(path, {SHEET: xml})) == "Sheet\nwords"


@pytest.mark.parametrize(
    "rows",
    [
        f'<row r="900000000000">{CELL.format("A900000000000", "far below")}</row>',
        "".join(f'<row r="{n}">{CELL.format(f"XFD{n}", "far right")}</row>' for n in range(1, 9)),
        "".join(f'<row r="{n}">{CELL.format(f"A{n}", "x")}</row>' for n in range(1, 60_000)),
    ],
    ids=["far below", "far right", "many"],
)
def test_a_workbook_is_refused_when_a_sheet_has_too_many_cells(tmp_path: Path, rows: str) -> None:
    error, reason = refusal(sheet(tmp_path / "a.xlsx", rows), Limits(cells=100_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("A sheet of the file has more than 100,000 cells.")


def test_a_workbook_is_refused_when_it_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = nasty.with_members(nasty.workbook(tmp_path / "a.xlsx"), {SHEET: b" " * 5_000_000})
    error, reason = refusal(bomb, Limits(unpacked_bytes=4_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file unpacks to more than 4 MB of text.")


@pytest.mark.parametrize("member", [SHEET, "xl/workbook.xml", STRINGS])
def test_entities_do_not_explode_when_a_workbook_has_some(tmp_path: Path, member: str) -> None:
    path = shared(tmp_path / "a.xlsx")
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    laughs = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e0 "ha">{levels}]>'
    xml = nasty.member(path, member)
    start = xml.index(b"?>") + 2 if xml.startswith(b"<?xml") else 0
    xml = laughs.encode() + xml[start:].replace(b"</", b"&e11;</", 1)
    end = str(outcome(nasty.with_members(path, {member: xml})))
    assert "haha" not in end


def test_a_workbook_is_empty_when_its_sheets_are(tmp_path: Path) -> None:
    assert refusal(nasty.workbook(tmp_path / "a.xlsx"))[0] == "EmptyDocument"


def test_a_workbook_is_damaged_when_it_is_cut_or_incomplete(tmp_path: Path) -> None:
    path = nasty.workbook(tmp_path / "a.xlsx", prices)
    broken = nasty.with_members(path, {SHEET: b"<worksheet><row", "xl/worksheets/sheet2.xml": b""})
    assert refusal(broken)[0] == "BrokenDocument"
    assert refusal(nasty.written(path, path.read_bytes()[:1_000]))[0] == "BrokenDocument"
    assert refusal(nasty.packed(path, {"xl/other.xml": b"<a/>"}))[0] == "BrokenDocument"


def test_the_other_sheets_are_read_when_one_is_damaged(tmp_path: Path) -> None:
    path = nasty.workbook(tmp_path / "a.xlsx", prices)
    cut = nasty.member(path, SHEET).partition(b"</row>")[0]
    document = opened(nasty.with_members(path, {SHEET: cut}))
    assert document.pages == ("", "Stock\nTea | Boxes\ntwo lines | 12")
    assert document.note.endswith("Page 1 could not be read: the file is damaged there.")


def test_a_password_is_told_of_when_a_workbook_has_one(tmp_path: Path) -> None:
    content = nasty.OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    assert refusal(nasty.written(tmp_path / "a.xlsx", content))[0] == "EncryptedDocument"
    path = nasty.locked(nasty.workbook(tmp_path / "b.xlsx", prices))
    assert refusal(path)[0] == "EncryptedDocument"


def test_macros_are_left_alone_when_a_workbook_has_some(tmp_path: Path) -> None:
    path = nasty.workbook(tmp_path / "a.xlsm", prices)
    path = nasty.with_members(path, {"xl/vbaProject.bin": b"Shell"})
    assert opened(path).pages[0].startswith("Prices\nTea")
