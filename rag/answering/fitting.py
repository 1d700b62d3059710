"""A prompt that fits its model: what was asked and found in; passages, messages and room out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.answering import budget, prompt
from rag.answering.context import pack
from rag.answering.options import AnsweringOptions
from rag.answering.question import Asked
from rag.errors import ContextTooLong
from rag.models.chat import ChatModel
from rag.types import Context, Message

DEFAULT_PASSAGES = 3  # of a model nobody has measured
OVERVIEW_PASSAGES = 6  # of a question about documents as a whole
THINKING_TOKENS = 1_536  # of a reply beside its answer, once a model was seen to think
LONG_THINKING_TOKENS = 6_144  # after it has spent them all


@dataclass(frozen=True, slots=True)
class Fitted:
    context: Context
    messages: tuple[Message, ...]
    max_tokens: int  # of the reply, its thinking included


UNFITTED = Fitted(Context("", (), 0, 0), (), 0)


@dataclass(frozen=True, slots=True)
class Fitting:
    asked: Asked
    options: AnsweringOptions
    model: ChatModel
    instructions: Sequence[Message] = ()  # that follow the question

    def first(self) -> Fitted:
        """As much as the model's context allows. Raises ContextTooLong when no passage fits."""
        thinking_tokens = THINKING_TOKENS if self.model.capabilities.reasons else 0
        return self.within(self.model.capabilities.context_tokens, thinking_tokens)

    def within(self, window_tokens: int | None, thinking_tokens: int) -> Fitted:
        """The same for a context and room to think that are not what the model is known for."""
        room = budget.share(
            window_tokens,
            prompt.token_count(self._messages(UNFITTED.context, ())),
            self.options.max_tokens + thinking_tokens,
            self.options.context_tokens,
        )
        turns = prompt.recent(self.asked.earlier, room.history_tokens)
        return self._fitted(room.passage_tokens, turns, room.reply_tokens)

    def smaller(self, refused: Fitted) -> Fitted | None:
        """After a server's refusal: no history, half the passages; None: nothing to leave out."""
        passages = len(refused.context.hits)
        if passages == 1 and not self.asked.earlier:
            return None
        budget_tokens = refused.context.token_count // (1 if passages == 1 else 2)
        return self._fitted(budget_tokens, (), refused.max_tokens)

    def _fitted(self, budget_tokens: int, turns: Sequence[Message], max_tokens: int) -> Fitted:
        best = OVERVIEW_PASSAGES if self.asked.found.is_overview else self.model.best_passages
        passages = self.options.top_k or best or DEFAULT_PASSAGES
        hits = self.asked.found.hits
        context = pack(hits, budget_tokens=budget_tokens, max_passages=passages)
        if not context.hits:
            raise ContextTooLong(
                f"No passage fits into the context of {self.model.name} beside the question. Ask "
                "a shorter question, allow more tokens for passages, or choose another model."
            )
        return Fitted(context, self._messages(context, turns), max_tokens)

    def _messages(self, context: Context, turns: Sequence[Message]) -> tuple[Message, ...]:
        asked = prompt.messages(
            self.asked.question, context, turns, self.asked.language, self.model.best_form
        )
        return (*asked, *self.instructions)
