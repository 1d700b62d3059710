"""PDF files, from bytes to the text of each page. The only place that knows pypdf."""

from __future__ import annotations

import io

from pypdf import PasswordType, PdfReader

from rag.errors import EmptyDocument, EncryptedDocument

# Where the end of a file is lost, this makes pypdf look for its objects one by one.
_END = b"\nstartxref\n0\n%%EOF\n"


class PdfPages:
    """An open file; its pages are read one by one, in any order.

    Raises EncryptedDocument, EmptyDocument, and whatever pypdf raises.
    """

    note = ""

    def __init__(self, data: bytes, password: str) -> None:
        self._reader = _reader(data)
        self._unlock(password)
        self.page_count = len(self._reader.pages)
        if self.page_count == 0:
            raise EmptyDocument("The file has no pages. See whether it opens elsewhere.")

    def text(self, number: int) -> str:
        """Of page ``number``, from 1."""
        return self._reader.pages[number - 1].extract_text()

    def _unlock(self, password: str) -> None:
        if not self._reader.is_encrypted:
            return
        for attempt in ("", password):
            if self._reader.decrypt(attempt) != PasswordType.NOT_DECRYPTED:
                return
        raise EncryptedDocument(
            "The password does not open the file. Give the right one, or save a copy without one."
            if password
            else "The file is protected by a password. Save a copy without one and add that."
        )


def _reader(data: bytes) -> PdfReader:
    try:
        return PdfReader(io.BytesIO(data))
    except Exception:  # of any kind: see readers.py
        return PdfReader(io.BytesIO(data + _END))
