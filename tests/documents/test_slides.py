"""Presentations: a page a slide, or what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import nasty
from documents.reading import opened, outcome, refusal
from pptx.util import Inches

from rag.documents.limits import Limits

SLIDE = "ppt/slides/slide1.xml"


def lesson(presentation) -> None:
    first = presentation.slides.add_slide(presentation.slide_layouts[1])
    first.shapes.title.text = "Tea\vtime"
    first.placeholders[1].text = "Boil water"
    paragraph = first.placeholders[1].text_frame.add_paragraph()
    paragraph.text, paragraph.level = "not milk", 1
    first.notes_slide.notes_text_frame.text = "Ask who takes sugar."
    second = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = second.shapes.add_table(2, 2, *[Inches(1)] * 4).table
    for cell, words in zip(
        table.iter_cells(), ["Tea", "Price", "Black|green", "1,50"], strict=True
    ):
        cell.text = words
    box = second.shapes.add_group_shape().shapes.add_textbox(*[Inches(1)] * 4)
    box.text_frame.text = "Prices of 2026"


def test_each_slide_is_a_page_when_a_presentation_is_read(tmp_path: Path) -> None:
    document = opened(nasty.slides(tmp_path / "lesson.pptx", lesson))
    assert document.pages == (
        "# Tea time\n\n- Boil water\n  - not milk\n\nNotes: Ask who takes sugar.",
        "| Tea | Price |\n| --- | --- |\n| Black\\|green | 1,50 |\n\nPrices of 2026",
    )
    assert document.note == ""


def test_a_slide_is_named_when_it_has_no_text(tmp_path: Path) -> None:
    def build(presentation) -> None:
        lesson(presentation)
        presentation.slides.add_slide(presentation.slide_layouts[6])

    document = opened(nasty.slides(tmp_path / "lesson.pptx", build))
    assert document.note == "Page 3 has no text."


def test_a_presentation_is_empty_when_it_has_no_slides(tmp_path: Path) -> None:
    assert refusal(nasty.slides(tmp_path / "empty.pptx"))[0] == "EmptyDocument"


def test_a_presentation_is_refused_when_it_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = nasty.with_members(nasty.slides(tmp_path / "a.pptx", lesson), {SLIDE: b" " * 5_000_000})
    error, reason = refusal(bomb, Limits(unpacked_bytes=4_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file unpacks to more than 4 MB of text.")


def test_a_presentation_is_refused_when_it_has_too_many_slides(tmp_path: Path) -> None:
    error, reason = refusal(nasty.slides(tmp_path / "a.pptx", lesson), Limits(pages=1))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file has 2 pages; 1 are read at most.")


def test_entities_are_not_put_in_when_a_slide_has_some(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("canary")
    path = nasty.slides(tmp_path / "a.pptx", lesson)
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    address = (tmp_path / "secret.txt").as_uri()
    kind = f'<!DOCTYPE p [<!ENTITY e0 "ha">{levels}<!ENTITY leak SYSTEM "{address}">]>'
    slide = nasty.member(path, SLIDE).replace(b"Boil water", b"Boil &e11; &leak; water")
    slide = slide.replace(b"<p:sld ", kind.encode() + b"<p:sld ", 1)
    end = str(outcome(nasty.with_members(path, {SLIDE: slide})))
    assert "canary" not in end
    assert "haha" not in end


def test_a_presentation_is_damaged_when_it_is_cut_or_incomplete(tmp_path: Path) -> None:
    path = nasty.slides(tmp_path / "a.pptx", lesson)
    assert refusal(nasty.with_members(path, {SLIDE: b"<p:sld"}))[0] == "BrokenDocument"
    assert refusal(nasty.written(path, path.read_bytes()[:1_000]))[0] == "BrokenDocument"
    assert refusal(nasty.packed(path, {"ppt/other.xml": b"<a/>"}))[0] == "BrokenDocument"


def test_a_password_is_told_of_when_a_presentation_has_one(tmp_path: Path) -> None:
    content = nasty.OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    assert refusal(nasty.written(tmp_path / "a.pptx", content))[0] == "EncryptedDocument"
    path = nasty.locked(nasty.slides(tmp_path / "b.pptx", lesson))
    error, reason = refusal(path)
    assert (error, reason.partition(".")[0]) == (
        "EncryptedDocument",
        "The file is protected by a password",
    )


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("a.pptm", b"ms-powerpoint.presentation.macroEnabled.main"),
        ("a.ppsx", b"openxmlformats-officedocument.presentationml.slideshow.main"),
        ("a.potx", b"openxmlformats-officedocument.presentationml.template.main"),
    ],
)
def test_a_presentation_is_read_when_it_has_macros_or_is_a_show_or_a_template(
    tmp_path: Path, name: str, main: bytes
) -> None:
    path = nasty.slides(tmp_path / name, lesson)
    usual = b"openxmlformats-officedocument.presentationml.presentation.main"
    types = nasty.member(path, "[Content_Types].xml")
    assert usual in types
    members = {"[Content_Types].xml": types.replace(usual, main), "ppt/vbaProject.bin": b"Shell"}
    assert opened(nasty.with_members(path, members)).pages[0].startswith("# Tea time")
