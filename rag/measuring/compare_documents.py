"""One prompt for several models, with passages of the documents: a question and an index in.

Passages are found and packed once, as the answering room does it, so that the models differ in
nothing but themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.fitting import Fitting
from rag.answering.options import AnsweringOptions
from rag.answering.question import Asked
from rag.errors import ExperimentError
from rag.measuring.samples import Prompt
from rag.models.chat import ChatModel
from rag.retrieval.index import Index
from rag.types import Chunk

_CANDIDATES = 10


def grounded_prompt(
    question: str, index: Index, models: Sequence[ChatModel], options: AnsweringOptions
) -> Prompt:
    """For the model that reads least: what it gets, all get. Blocks, so call it in a thread.

    Raises ExperimentError when the documents share no word with the question, ContextTooLong when
    no passage fits.
    """
    asked = Asked.unsearched(question, ()).searched(index, max(_CANDIDATES, options.top_k or 0))
    if not asked.found.hits:
        raise ExperimentError("No passage of the documents shares a word with the question.")
    fittings = [Fitting(asked, options, model).first() for model in models]
    least = min(fittings, key=lambda fitted: fitted.context.token_count)
    passages = tuple(_passage(hit.chunk) for hit in least.context.hits)
    room = max(fitted.max_tokens for fitted in fittings)  # for those that think
    return Prompt("question", least.messages, room, question, passages)


def _passage(chunk: Chunk) -> str:
    """With the name that the model reads above it, and may use."""
    return f"{chunk.document_name}, page {chunk.page}\n{chunk.text}"
