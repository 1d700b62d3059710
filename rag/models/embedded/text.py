"""Tokens' bytes in, text out that can be shown at once: whole characters, nothing of a stop string.

It knows neither tokens nor the model. At most as much is held back as may still become a stop
string, or is the beginning of a character.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    def __init__(self, stop: Sequence[str] = ()) -> None:
        self.stopped = False  # a stop string was seen; what follows it is dropped
        self._stop = tuple(filter(None, stop))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """The text that became certain with ``data``; often "", never half a character."""
        if self.stopped:
            return ""
        text = self._held + self._decoder.decode(data)
        ends = [end for end in (text.find(stop) for stop in self._stop) if end >= 0]
        self.stopped = bool(ends)
        shown = min(ends) if ends else len(text) - self._unsure(text)
        self._held = text[shown:]
        return text[:shown]

    def rest(self) -> str:
        """What was held back and turned out to be text; half a character at the end is lost."""
        rest = "" if self.stopped else self._held
        self._held = ""
        return rest

    def _unsure(self, text: str) -> int:
        """Length of the longest end of ``text`` with which a stop string begins."""
        longest = max(map(len, self._stop), default=1) - 1
        ends = range(min(longest, len(text)), 0, -1)
        return next((n for n in ends if any(s.startswith(text[-n:]) for s in self._stop)), 0)
