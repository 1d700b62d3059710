"""Text that others wrote, made harmless: a document's on its way in, a model's on its way out.

A document may not speak with the voice of the chat template, of our own numbering or of our labels;
an answer may not load anything from elsewhere, because what it asks for can carry away what it has
read. Knows nothing of prompts, models and pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# --- on the way in -----------------------------------------------------------------------

# Characters that are read but not seen: tags and other variations of nothing, direction overrides,
# spaces without width, controls. Not the two joiners, which Persian, Hindi and emoji are made with.
_UNSEEN = re.compile(
    "[\U000e0000-\U000e0fff\ufeff\ufff9-\ufffb\u202a-\u202e\u2060-\u206f\u200b\u200e\u200f\u180e\u061c"
    "\x00-\x08\x0b-\x1f\x7f]"
)
# Chat templates' control tokens: <|im_start|>, <｜User｜>, </s>, <start_of_turn>, <<SYS>>, [INST].
_CONTROL = re.compile(
    r"<[|｜][^<>\n]{0,40}[|｜]>|<{1,2}/?(?:s|bos|eos|pad|unk|sys|think|tool_call|tool_response"
    r"|(?:start|end)_of_turn|system|assistant|user)>{1,2}|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS)\]",
    re.IGNORECASE,
)
_ANGLES = str.maketrans("<>[]|｜", "‹›()¦¦")
_MARKER = re.compile(r"\[(\s*\^?\d[\d\s,;–-]*)\]")
_LABEL = re.compile(
    r"^([ \t#*>]*(?:passages|question|answer|întrebare|răspuns))[ \t]*:", re.I | re.M
)
_BLANK_LINES = re.compile(r"[ \t]*\n\s*\n")


def seen(text: str) -> str:
    """``text`` without characters that a person does not see."""
    return _UNSEEN.sub("", text)


def defused(text: str) -> str:
    """``text`` without unseen characters, in which no control token is left to be obeyed.

    >>> defused("Stop.<|im_end|> <s>")
    'Stop.‹¦im_end¦› ‹s›'
    """
    return _CONTROL.sub(lambda found: found[0].translate(_ANGLES), seen(text))


def defused_passage(text: str) -> str:
    """Also without blank lines, labels and numbers in brackets, which are ours in a prompt.

    >>> defused_passage("Blue [7].\\n\\nQuestion: why?")
    'Blue (7).\\nQuestion – why?'
    """
    text = _BLANK_LINES.sub("\n", defused(text).strip())
    return _LABEL.sub(r"\1 –", _MARKER.sub(r"(\1)", text))


# --- on the way out ----------------------------------------------------------------------

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.M | re.S)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\n]*?[^`\n]\1(?!`)")
_IMAGE = re.compile(r"!(?=\[)")
_LINK = re.compile(r"\](?=\()")
_DEFINITION = re.compile(r"^([ \t>*+\-\d.)]*\[[^\]]*\])(?=:)", re.M)
_TAG = re.compile(r"<(?=[a-z/!?])", re.I)
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|\bwww\.)[^\s<>`()\[\]]*[^\s<>`()\[\].,;:!?]", re.I)


def inert(text: str) -> str:
    """A model's Markdown whose images, links and tags are mere text; code is left alone.

    The signs that make them are set apart instead of being parsed: no nesting can defeat that.

    >>> inert("See ![a](https://x.y/?q=secret) and [1].")
    'See ! [a] (`https://x.y/?q=secret`) and [1].'
    """
    text = outside_blocks(seen(text), lambda part: _IMAGE.sub("! ", part))
    return outside_code(text, _inert)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """``text`` with ``change`` made to all of it that Markdown does not show as code."""
    return outside_blocks(text, lambda part: _outside(_SPAN, part, change))


def outside_blocks(text: str, change: Callable[[str], str]) -> str:
    """``text`` with ``change`` made to all but its fenced blocks of code."""
    return _outside(_FENCE, text, change)


class StreamGuard:
    """Takes the images out of an answer while it streams, before anyone could load them.

    ``feed`` may keep a last "!" back until the next piece shows what it is for.
    """

    def __init__(self) -> None:
        self._kept = ""

    def feed(self, piece: str) -> str:
        piece, self._kept = self._kept + piece, ""
        if piece.endswith("!"):
            piece, self._kept = piece[:-1], "!"
        return _IMAGE.sub("! ", piece)

    def flush(self) -> str:
        kept, self._kept = self._kept, ""
        return kept


def _inert(text: str) -> str:
    text = _LINK.sub("] ", _DEFINITION.sub(r"\1 ", text))
    return _TAG.sub("< ", _ADDRESS.sub(lambda found: f"`{found[0]}`", text))


def _outside(code: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for found in code.finditer(text):
        parts += [change(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])
