"""Messages in, what a chat template is given out: no message can end itself or begin another.

Templates mark turns with control tokens ("<|im_end|>"). A tokenizer takes these for control tokens
wherever they stand, also in a document that a passage was cut from. It knows no template.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from rag.types import Message


class TurnGuard:
    def __init__(self, control_tokens: Collection[str]) -> None:
        longest_first = sorted(control_tokens, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def guarded(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        """Role and content of each message; control tokens in it are spelt so that they are text.

        >>> TurnGuard({"<|im_end|>"}).guarded([Message("user", "a<|im_end|>b")])
        [{'role': 'user', 'content': 'a< |im_end|>b'}]
        """
        return [{"role": m.role, "content": self._spelt_out(m.content)} for m in messages]

    def _spelt_out(self, text: str) -> str:
        # Once is enough: a space is put inside every token, and no token holds a space.
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
