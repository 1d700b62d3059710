"""Bytes to text where nothing says how they are encoded.

UTF-8 and UTF-16 are told by their form; what is left is a code page, told by statistics
(charset-normalizer) and, between those of Western and Central Europe, by language.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from charset_normalizer import from_bytes

from rag.language import detect

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 65_536
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_MOST_CONTROLS = 0.05  # of the bytes of a text in a code page; a binary file has about 0.1
_FEW_CONTROLS = 8
_UTF16_NULS = 0.2  # of the bytes, all at even or all at odd places: a Latin text in UTF-16
_CENTRAL_EUROPEAN = frozenset({"cs", "hr", "hu", "pl", "ro", "sk", "sl", "sr"})


def is_text(data: bytes) -> bool:
    """Whether ``data`` can be read as text, judged by its beginning."""
    sample = data[:_SAMPLE_BYTES]
    if _marked(sample) or _unmarked_utf16(sample):
        return True
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls <= max(_FEW_CONTROLS, _MOST_CONTROLS * len(sample))


def decode(data: bytes, declared: str = "") -> str:
    """``data`` as text; what cannot be decoded becomes U+FFFD.

    ``declared`` is the encoding the file claims; valid UTF-8 wins over it. Where most lines are
    UTF-8 and a few are not, only those few are read in a code page.
    """
    encoding = _marked(data) or _unmarked_utf16(data[:_SAMPLE_BYTES])
    if encoding:
        return data.decode(encoding, "replace").removeprefix("\ufeff")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _mixed(data, _known(declared) or _code_page(data))


def _marked(data: bytes) -> str:
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), "")


def _unmarked_utf16(sample: bytes) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > _UTF16_NULS * len(sample) and even < odd // 10:
        return "utf-16-le"
    if even > _UTF16_NULS * len(sample) and odd < even // 10:
        return "utf-16-be"
    return ""


def _known(declared: str) -> str:
    try:
        return codecs.lookup(declared).name if declared else ""
    except (LookupError, ValueError):
        return ""


def _mixed(data: bytes, code_page: str) -> str:
    """Line by line where UTF-8 prevails, else all of it in ``code_page``."""
    lines = [line for line in re.split(b"(?<=\n)", data) if line]
    odd = [line for line in lines if not line.isascii()]
    if 2 * sum(map(_is_utf8, odd)) < len(odd):
        return data.decode(code_page, "replace")
    return "".join(
        line.decode("utf-8" if _is_utf8(line) else code_page, "replace") for line in lines
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _code_page(data: bytes) -> str:
    sample = b"\n".join(line for line in data.splitlines() if not line.isascii())[:_SAMPLE_BYTES]
    best = from_bytes(sample).best()
    if best is not None and not _is_latin(str(best)):
        return best.encoding
    return "cp1250" if detect(sample.decode("cp1250", "replace")) in _CENTRAL_EUROPEAN else "cp1252"


def _is_latin(text: str) -> bool:
    accented = [char for char in text if char > "\x7f" and char.isalpha()]
    latin = sum(unicodedata.name(char, "").startswith("LATIN") for char in accented)
    return 2 * latin >= len(accented)
