"""The process in which files are parsed: requests on stdin, answers on stdout, ended by its parent.

Started as ``python -c`` by process.py. One file is open at a time; its pages are read, cleaned and
cut on request. Dies at once when the parent closes the pipe, also in the middle of a page. Each
message is JSON behind its length: nothing that a hostile file brings in can become code there.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, cast

from rag.documents.chunking import spans
from rag.documents.limits import Limits
from rag.documents.readers import Opened, open_file
from rag.errors import DocumentError

Message = dict[str, Any]

_LENGTH = struct.Struct(">I")
# Parsing makes millions of objects that live briefly: fewer collections save up to 30% of the time.
_GC_THRESHOLDS = (20_000, 5, 5)
_MEMORY_MARGIN_BYTES = 300_000_000  # for the parent, which looks now and then, to be first
_MOST_WRITTEN_BYTES = 10_000_000  # the tokenizer keeps its vocabulary in a file
_CUT_AT_ONCE = 5  # pages; read first and cut then, the tokenizer's vocabulary stays in the cache


def send(stream: BinaryIO, message: Message) -> None:
    payload = json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """The next message; None at the end, also one in the middle of a message."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return None
    [length] = _LENGTH.unpack(header)
    payload = stream.read(length)
    return json.loads(payload) if len(payload) == length else None


def main() -> None:
    logging.disable(logging.CRITICAL)
    gc.set_threshold(*_GC_THRESHOLDS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    requests: SimpleQueue[Message] = SimpleQueue()
    Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    settings = requests.get()
    limits = Limits(**settings["limits"])
    _confine(limits.memory_bytes)
    parser = _Parser(limits, settings["max_tokens"], settings["overlap"])
    gc.freeze()  # what was imported stays: it need not be looked through
    while True:
        for answer in parser.answers(requests.get()):
            send(answers, answer)


def _confine(memory_bytes: int) -> None:
    """Have the system refuse what no reader needs: far more memory than the parent will allow when
    it looks again, large files to write, a dump of what was read. Windows has no such limits.
    """
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return
    for limit, most in (
        (resource.RLIMIT_DATA, memory_bytes + _MEMORY_MARGIN_BYTES),
        (resource.RLIMIT_FSIZE, _MOST_WRITTEN_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a lower one was set already, or macOS has none
            resource.setrlimit(limit, (most, most))


def _listen(stream: BinaryIO, requests: SimpleQueue[Message]) -> None:
    while request := receive(stream):
        requests.put(request)
    os._exit(0)


class _Parser:
    """Answers ``open`` and ``pages``; the last answer to each has ``"last": True``."""

    def __init__(self, limits: Limits, max_tokens: int, overlap: float) -> None:
        self._limits, self._max_tokens, self._overlap = limits, max_tokens, overlap
        self._opened: Opened | None = None

    def answers(self, request: Message) -> Iterator[Message]:
        try:
            yield from getattr(self, f"_{request['do']}")(**request["with"])
        except DocumentError as exc:
            yield {"error": type(exc).__name__, "reason": str(exc), "last": True}

    def _open(self, path: str, name: str, password: str) -> Iterator[Message]:
        self._opened = None
        self._opened = opened = open_file(Path(path), name, self._limits, password)
        yield {
            "id": opened.id,
            "media_type": opened.media_type,
            "page_count": opened.page_count,
            "note": opened.note,
            "last": True,
        }

    def _pages(self, first: int, last: int) -> Iterator[Message]:
        opened = cast("Opened", self._opened)
        for start in range(first, last + 1, _CUT_AT_ONCE):
            numbers = range(start, min(start + _CUT_AT_ONCE, last + 1))
            texts = [opened.page(number) for number in numbers]
            spans_ = [self._spans(text or "", opened.media_type) for text in texts]
            pages = list(zip(numbers, texts, spans_, strict=True))
            yield {"pages": pages, "last": numbers[-1] == last}

    def _spans(self, text: str, media_type: str) -> list[tuple[int, int, int, str | None]]:
        found = spans(text, media_type, self._max_tokens, self._overlap)
        return [(each.start, each.end, each.token_count, each.section) for each in found]
