"""What a model is sent instead of a prompt that it refused, read in part, or spent all its words on
thinking about: what was sent and came back in, another prompt out.

Each is tried for a reason, and so seldom that no server can keep a turn going.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag.answering import losses
from rag.answering.fitting import LONG_THINKING_TOKENS, THINKING_TOKENS, Fitted, Fitting
from rag.answering.sending import Sending
from rag.answering.truncation import CutPrompt
from rag.errors import ContextTooLong

_SENT_AGAIN = (
    "The prompt was too long for the model, so it was sent again without earlier turns and with "
    "fewer passages."
)
_MOST_CUTS = 2  # the second, when the first told too little of the server's context
_WORTH_IT = 1.5  # times the tokens that were spent on thinking


@dataclass(frozen=True, slots=True)
class Remedy:
    fitted: Fitted
    reason: str  # a sentence
    is_warning: bool = True  # that stands beside the answer


@dataclass(slots=True)
class Remedies:
    """Of one model's go; ``cut`` is what the last reply shows of its prompt."""

    fitting: Fitting
    cut: CutPrompt | None = None
    _cuts: int = 0
    _was_refused: bool = False
    _has_more_to_think: bool = False

    def of_refusal(self, sent: Fitted) -> Remedy | None:
        """When the server says itself that the prompt is too long for it."""
        smaller = None if self._was_refused else self.fitting.smaller(sent)
        self._was_refused = True
        return Remedy(smaller, _SENT_AGAIN) if smaller else None

    def of_reply(self, sent: Sending) -> Remedy | None:
        """When the model did not read all it was sent, or did not come to its answer."""
        try:
            self.cut = losses.prompt_cut(sent, self._window_tokens)
            if self.cut:
                return self._of_cut(self.cut)
            return self._of_thinking(sent) if losses.is_lost_in_thought(sent) else None
        except ContextTooLong:
            return None  # what there is has to do

    def _of_cut(self, cut: CutPrompt) -> Remedy | None:
        if self._cuts == _MOST_CUTS:
            return None
        self._cuts += 1
        model = self.fitting.model
        thinking_tokens = THINKING_TOKENS if model.capabilities.reasons else 0
        fitted = self.fitting.within(cut.window_tokens, thinking_tokens)
        model.learn_context(cut.window_tokens)
        return Remedy(
            fitted,
            f"{model.name} reads no more than about {cut.window_tokens} tokens and had cut the "
            "prompt, so it was sent again with less. Give the model more context where it runs: "
            "start Ollama with OLLAMA_CONTEXT_LENGTH=8192, for example.",
        )

    def _of_thinking(self, sent: Sending) -> Remedy | None:
        if self._has_more_to_think:
            return None
        self._has_more_to_think = True
        spent_tokens = sent.fitted.max_tokens
        for thinking_tokens in (THINKING_TOKENS, LONG_THINKING_TOKENS):
            fitted = self.fitting.within(self._window_tokens, thinking_tokens)
            if fitted.max_tokens >= _WORTH_IT * spent_tokens:
                reason = f"{sent.model.name} thought for {spent_tokens} tokens and is given more."
                return Remedy(fitted, reason, is_warning=False)
        return None

    @property
    def _window_tokens(self) -> int | None:
        return self.fitting.model.capabilities.context_tokens
