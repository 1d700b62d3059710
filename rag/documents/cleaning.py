"""From the text a reader found to text fit to be shown and searched; knows no file format.

What comes out has no control characters, lone surrogates or ligatures, words are whole again where
a line end had cut them, spaces are single, and a blank line, never two, parts paragraphs.
"""

from __future__ import annotations

import re
import unicodedata

# Anything but letters, signs, spaces and newlines: most pages have none, one scan tells. A single
# set of characters, for which the engine can search fast.
_ODD = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000"
    "\ud800-\udfff\ufb00-\uffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\ufffe\uffff]")
_SOFT_HYPHEN = re.compile("\u00ad(?: *\n)?")
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_ODD_SPACE = re.compile(r"[^\S\n\t]")
_SPACES = re.compile(" {2,}")
_BLANK_LINE = re.compile("^ +$", re.MULTILINE)
_CUT = re.compile("[-\u2010]\n")
_BLANK_LINES = re.compile("\n{3,}")


def clean(text: str, *, wrapped: bool) -> str:
    """``text`` made readable; ``wrapped`` when its lines are those of a printed page.

    A wrapped text loses its indentation and the hyphens at its line ends.

    >>> clean("The ﬁrst exam-\\nple.\\x00", wrapped=True)
    'The first example.'
    """
    if _ODD.search(text):
        text = _plain(text)
    text = unicodedata.normalize("NFC", text)
    text = _unindented(text) if wrapped else _BLANK_LINE.sub("", _SPACES.sub(_narrowed, text))
    text = text.replace(" \n", "\n")
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip("\n").rstrip()


def _plain(text: str) -> str:
    """Without what cannot be seen, with the plain form of what looks the same."""
    if _SURROGATE.search(text):
        # Joins proper pairs into one character, replaces what is left.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = _SOFT_HYPHEN.sub("", text)
    text = _LIGATURE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return _ODD_SPACE.sub(" ", text).expandtabs(4)


def _unindented(text: str) -> str:
    # Looking for a string is many times faster than looking for a pattern; most pages have neither.
    if "  " in text:
        text = _SPACES.sub(" ", text)
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    if "-\n" in text or "\u2010\n" in text:
        text = _CUT.sub(_joined, text)
    return text.lstrip()


def _narrowed(spaces: re.Match[str]) -> str:
    """One space, unless they indent a line."""
    at = spaces.start()
    return spaces[0] if at == 0 or spaces.string[at - 1] == "\n" else " "


def _joined(cut: re.Match[str]) -> str:
    """Nothing where a word goes on in lower case; "A-\\nlevel" and "2019-\\n2020" stay."""
    before = cut.string[max(cut.start() - 1, 0)]
    after = cut.string[cut.end() : cut.end() + 1]
    return "" if before.islower() and after.islower() else cut[0]
