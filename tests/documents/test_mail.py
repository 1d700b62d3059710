"""Mail: its head and its text, what is attached to it, or what is wrong with the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import nasty
from documents.reading import opened, outcome, refusal, text

HEAD = (
    "# Garanție\n\nFrom: Ana Pop <ana@example.org>\nTo: shop@example.org\n"
    "Date: Mon, 02 Mar 2026 10:00:00 +0200\n\n"
)


def test_head_and_text_are_read_when_a_mail_is_plain(tmp_path: Path) -> None:
    document = opened(nasty.mail(tmp_path / "a.eml"))
    assert document.pages == (HEAD + nasty.SENTENCE,)
    assert (document.media_type, document.note) == ("message/rfc822", "")


def test_the_web_page_is_read_when_a_mail_has_nothing_else(tmp_path: Path) -> None:
    page = "<style>p{}</style><p>Țara, <b>şi</b> preț.</p>"
    path = nasty.mail(tmp_path / "a.eml", lambda mail: mail.set_content(page, subtype="html"))
    assert text(path) == HEAD + "Țara, şi preț."


def test_the_web_page_is_read_when_the_plain_text_is_empty(tmp_path: Path) -> None:
    def build(mail) -> None:
        mail.set_content(" \n")
        mail.add_alternative("<p>Tea.</p>", subtype="html")

    assert text(nasty.mail(tmp_path / "a.eml", build)) == HEAD + "Tea."


def test_attachments_are_named_when_a_mail_has_some(tmp_path: Path) -> None:
    def build(mail) -> None:
        mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bon ă.pdf")
        mail.add_attachment(b"x", maintype="application", subtype="zip")

    document = opened(nasty.mail(tmp_path / "a.eml", build))
    assert document.pages == (HEAD + nasty.SENTENCE,)
    assert document.note == (
        "Attachments not read: bon ă.pdf, a part of type application/zip. Save them and add them."
    )


@pytest.mark.parametrize("charset", ["iso-8859-2", "no-such-charset"])
def test_the_text_is_read_when_its_encoding_is_old_or_unknown(tmp_path: Path, charset: str) -> None:
    head = f"Subject: x\nContent-Type: text/plain; charset={charset}\n\n"
    data = head.encode() + "Ţara şi preţ, garanţie şi câştig.".encode("iso-8859-2")
    path = nasty.written(tmp_path / "a.eml", data)
    assert text(path) == "# x\n\nŢara şi preţ, garanţie şi câştig."


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: =?utf-8?q?=ff=fe?=\nDate: never\nFrom: <<<>>,,;:@\n",
        b"Subject: =?no-such?b?!!!?=\nTo: \xff\xfe\nFrom: @@\n",
        b"From MAILER Mon Mar 2\nSubject: x\n",
        b"Content-Type: multipart/mixed\nSubject: x\n",
        b"Content-Type: text/plain; charset==?=;;\nContent-Transfer-Encoding: base64\nSubject: x\n",
    ],
)
def test_a_mail_ends_in_text_or_a_sentence_when_its_head_is_malformed(
    tmp_path: Path, head: bytes
) -> None:
    assert text(nasty.written(tmp_path / "a.eml", head + b"\nThe price is 40.\n"))


def test_a_mail_is_read_or_damaged_when_its_parts_are_nested_without_end(tmp_path: Path) -> None:
    parts = "".join(
        f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
        for level in range(3_000)
    )
    path = nasty.written(tmp_path / "a.eml", f"Subject: x\n{parts}\nwords")
    assert outcome(path)


def test_a_mail_is_damaged_when_it_has_no_head(tmp_path: Path) -> None:
    error, reason = refusal(nasty.written(tmp_path / "a.eml", "Just some words\nand more."))
    assert error == "BrokenDocument"
    assert "nothing in it looks like a mail" in reason


def test_a_mail_is_empty_when_it_says_nothing(tmp_path: Path) -> None:
    assert refusal(nasty.written(tmp_path / "a.eml", "X-Spam: no\n\n \n"))[0] == "EmptyDocument"
