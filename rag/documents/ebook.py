"""E-books (EPUB), one page a chapter, in reading order; each chapter is a web page."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree  # type: ignore[import-untyped]

from rag.documents.limits import Limits
from rag.documents.markup import web_page
from rag.documents.packed import unpacked, within
from rag.errors import EncryptedDocument

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


class Chapters:
    """Raises DocumentTooLarge, EncryptedDocument, and whatever zipfile and lxml raise."""

    note = ""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._book = unpacked(data, limits)
        there = {each.filename: each for each in self._book.infolist()}
        self._names = [name for name in _spine(self._book, limits) if name in there]
        within((there[name] for name in set(self._names)), limits)
        # Fonts are often made unreadable by publishers, which does no harm; chapters are not.
        if _ENCRYPTION in there and not _encrypted(self._book).isdisjoint(self._names):
            raise EncryptedDocument(
                "The e-book is protected against copying (DRM). Add a copy without protection."
            )
        self.page_count = len(self._names)

    def text(self, number: int) -> str:
        return web_page(self._book.read(self._names[number - 1]))


def _spine(book: zipfile.ZipFile, limits: Limits) -> Iterator[str]:
    """Names of the members that are chapters, in reading order, each once."""
    root = _parsed(book.read(_CONTAINER)).find(".//{*}rootfile")
    package_name = root.get("full-path", "") if root is not None else ""
    within([book.getinfo(package_name)], limits)
    package = _parsed(book.read(package_name))
    folder = posixpath.dirname(package_name)
    pages = {
        each.get("id"): _member(folder, each.get("href", ""))
        for each in package.iterfind(".//{*}manifest/{*}item")
        if each.get("media-type") in _PAGES
    }
    order = (each.get("idref") for each in package.iterfind(".//{*}spine/{*}itemref"))
    return iter(dict.fromkeys(pages[each] for each in order if each in pages))


def _encrypted(book: zipfile.ZipFile) -> set[str]:
    found = _parsed(book.read(_ENCRYPTION)).iterfind(".//{*}CipherReference")
    return {_member("", each.get("URI", "")) for each in found}


def _member(folder: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(urlsplit(address).path)))


def _parsed(xml: bytes) -> Any:
    return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
