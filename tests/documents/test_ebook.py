"""E-books: a page a chapter, or what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

from documents import nasty
from documents.reading import opened, refusal

from rag.documents.limits import Limits

ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
    'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>'
    '<enc:CipherReference URI="{}"/></enc:CipherData></enc:EncryptedData></encryption>'
)
CHAPTERS = {
    "text/zwei%20.xhtml": "<html><body><h1>One</h1><p>Țara.</p><script>x</script></body></html>",
    "b.xhtml": "<html><head><title>Two</title></head><body><p>Tea.</p></body></html>",
}


def test_chapters_come_in_reading_order_when_an_ebook_is_read(tmp_path: Path) -> None:
    document = opened(nasty.ebook(tmp_path / "a.epub", CHAPTERS))
    assert document.pages == ("# One\n\nȚara.", "# Two\n\nTea.")
    assert (document.media_type, document.note) == ("application/epub+zip", "")


def test_the_other_chapters_are_read_when_one_is_missing(tmp_path: Path) -> None:
    path = nasty.ebook(tmp_path / "a.epub", CHAPTERS)
    members = {name: nasty.member(path, name) for name in nasty.members(path)}
    del members["OEBPS/b.xhtml"]
    assert opened(nasty.packed(path, members)).pages == ("# One\n\nȚara.",)


def test_an_ebook_is_empty_when_it_has_no_chapters(tmp_path: Path) -> None:
    assert refusal(nasty.ebook(tmp_path / "a.epub", {}))[0] == "EmptyDocument"
    blank = nasty.ebook(tmp_path / "a.epub", {"a.xhtml": "<html/>"})
    assert refusal(blank)[0] == "EmptyDocument"


def test_an_ebook_is_refused_when_its_chapters_are_protected(tmp_path: Path) -> None:
    encryption = ENCRYPTION.format("OEBPS/b.xhtml")
    error, reason = refusal(nasty.ebook(tmp_path / "a.epub", CHAPTERS, encryption=encryption))
    assert error == "EncryptedDocument"
    assert "DRM" in reason


def test_an_ebook_is_read_when_only_its_fonts_are_protected(tmp_path: Path) -> None:
    encryption = ENCRYPTION.format("OEBPS/font.otf")
    path = nasty.ebook(tmp_path / "a.epub", CHAPTERS, encryption=encryption)
    assert len(opened(path).pages) == 2


def test_an_ebook_is_refused_when_it_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = nasty.ebook(tmp_path / "a.epub", {"picture.png": b" " * 5_000_000})
    error, reason = refusal(bomb, Limits(unpacked_bytes=4_000_000))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file unpacks to more than 4 MB of text.")


def test_an_ebook_is_refused_when_it_has_too_many_chapters(tmp_path: Path) -> None:
    error, reason = refusal(nasty.ebook(tmp_path / "a.epub", CHAPTERS), Limits(pages=1))
    assert error == "DocumentTooLarge"
    assert reason.startswith("The file has 2 pages; 1 are read at most.")


def test_nothing_outside_is_read_when_an_ebook_names_it(tmp_path: Path) -> None:
    secret = nasty.written(tmp_path / "secret.html", "canary")
    for name in ("../../secret.html", secret.as_uri(), str(secret)):
        path = nasty.ebook(tmp_path / "a.epub", {"a.xhtml": "<p>Tea.</p>"})
        package = nasty.member(path, "OEBPS/book.opf").replace(b"a.xhtml", name.encode())
        assert refusal(nasty.with_members(path, {"OEBPS/book.opf": package}))[0] == "EmptyDocument"


def test_entities_are_not_put_in_when_an_ebook_has_some(tmp_path: Path) -> None:
    secret = nasty.written(tmp_path / "secret.html", "canary")
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE p [<!ENTITY e0 "ha">{levels}<!ENTITY leak SYSTEM "{secret.as_uri()}">]>'
    chapter = f"<?xml version='1.0'?>{head}<html><body><p>Tea &e11; &leak;</p></body></html>"
    path = nasty.ebook(tmp_path / "a.epub", {"a.xhtml": chapter})
    package = nasty.member(path, "OEBPS/book.opf")
    document = opened(nasty.with_members(path, {"OEBPS/book.opf": head.encode() + package}))
    assert "canary" not in document.pages[0]
    assert len(document.pages[0]) < 2_000


def test_an_ebook_is_damaged_when_it_is_cut_or_incomplete(tmp_path: Path) -> None:
    path = nasty.ebook(tmp_path / "a.epub", CHAPTERS)
    assert refusal(nasty.with_members(path, {"OEBPS/book.opf": b"<pack"}))[0] == "BrokenDocument"
    assert refusal(nasty.with_members(path, {"META-INF/container.xml": b""}))[0] == "BrokenDocument"
    assert refusal(nasty.written(path, path.read_bytes()[:500]))[0] == "BrokenDocument"


def test_a_password_is_told_of_when_an_ebook_has_one(tmp_path: Path) -> None:
    path = nasty.locked(nasty.ebook(tmp_path / "a.epub", CHAPTERS))
    assert refusal(path)[0] == "EncryptedDocument"
