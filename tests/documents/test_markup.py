"""Word documents and web pages: their words and headings, or what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

from documents import nasty
from documents.reading import opened, refusal, text

from rag.documents.limits import Limits


def test_word_headings_become_markdown_when_a_document_has_some(tmp_path: Path) -> None:
    def build(document) -> None:
        document.add_heading("The contract", 0)
        document.add_heading("Delivery", 1)
        document.add_paragraph("Within ten days.")
        document.add_paragraph("packed", style="List Bullet")
        table = document.add_table(2, 2)
        for cell, words in zip(table._cells, ["Item", "Price", "Tea", "1,50"], strict=True):
            cell.text = words

    document = opened(nasty.word(tmp_path / "contract.docx", build))
    assert document.pages == (
        "# The contract\n\n# Delivery\n\nWithin ten days.\n\n- packed\n\n"
        "| | |\n| --- | --- |\n| Item | Price |\n| Tea | 1,50 |",
    )
    assert document.media_type.endswith("wordprocessingml.document")


def test_a_word_document_is_empty_when_it_has_no_words(tmp_path: Path) -> None:
    error, reason = refusal(nasty.word(tmp_path / "empty.docx"))
    assert (error, reason) == (
        "EmptyDocument",
        "The file has no text. See whether it was saved wholly.",
    )


def test_a_word_document_is_refused_when_it_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = nasty.word_members(tmp_path / "bomb.docx", {"word/document.xml": b" " * 5_000_000})
    assert bomb.stat().st_size < 100_000
    error, reason = refusal(bomb, Limits(unpacked_bytes=4_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file unpacks to more than 4 MB of text.")


def test_a_word_document_is_damaged_when_its_entities_explode(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    laughs = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e0 "ha">{levels}]><w>&e11;</w>'
    path = nasty.word_members(tmp_path / "laughs.docx", {"word/document.xml": laughs.encode()})
    assert refusal(path)[0] == "BrokenDocument"


def test_a_word_document_is_damaged_when_it_is_cut(tmp_path: Path) -> None:
    path = nasty.word(tmp_path / "cut.docx")
    assert refusal(nasty.written(path, path.read_bytes()[:1_000]))[0] == "BrokenDocument"


def test_a_word_document_is_damaged_when_its_text_is_missing(tmp_path: Path) -> None:
    path = nasty.packed(tmp_path / "odd.docx", {"word/other.xml": b"<a/>"})
    assert refusal(path)[0] == "BrokenDocument"


def test_a_password_is_told_of_when_an_office_file_has_one(tmp_path: Path) -> None:
    content = nasty.OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    error, reason = refusal(nasty.written(tmp_path / "locked.docx", content))
    assert error == "EncryptedDocument"
    assert "password" in reason


def test_scripts_and_styles_are_left_out_when_a_web_page_has_some(tmp_path: Path) -> None:
    page = (
        "<!doctype html><html><head><title>Shop &amp; Co</title><style>p{color:red}</style></head>"
        "<body><script>alert('x')</script><h2>Opening <em>hours</em></h2><p>From <b>nine</b><br>"
        "to <a href='https://example.org/?q=1'>five</a>.<!-- not this --><ul><li>Monday<li>Friday"
        "</ul><img src='x.png' alt=''><noscript></noscript></body></html>"
    )
    assert text(nasty.written(tmp_path / "page.html", page)) == (
        "# Shop & Co\n\n## Opening hours\n\nFrom nine\nto five.\n\n- Monday\n- Friday"
    )


def test_a_web_page_is_read_when_it_is_nested_without_end(tmp_path: Path) -> None:
    assert text(nasty.written(tmp_path / "deep.html", "<div>" * 50_000 + "deep")) == "deep"


def test_the_declared_encoding_is_used_when_a_web_page_is_not_in_utf8(tmp_path: Path) -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><p>Preţ şi garanţie</p></html>'
    assert (
        text(nasty.written(tmp_path / "old.htm", page.encode("iso-8859-2"))) == "Preţ şi garanţie"
    )


def test_xhtml_is_read_when_it_says_that_it_is_xml(tmp_path: Path) -> None:
    page = '<?xml version="1.0" encoding="utf-8"?><html><body><p>Preț</p></body></html>'
    assert text(nasty.written(tmp_path / "page.xhtml", page)) == "Preț"
