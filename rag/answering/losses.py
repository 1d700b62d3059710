"""What was lost on the way to a model or back, in sentences: what was sent and what came back in.

Where a figure proves a loss is decided in truncation.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag.answering.sending import Sending
from rag.answering.truncation import CutPrompt, cut_prompt, is_at_limit, is_finished


def prompt_cut(sending: Sending, window_tokens: int | None) -> CutPrompt | None:
    """What the server cut of the prompt, which was made for a context of ``window_tokens``."""
    reply, messages = sending.reply, sending.fitted.messages
    if reply is None:
        return None
    return cut_prompt(messages, reply.prompt_tokens, window_tokens, reply.completion_tokens)


def is_cut(sending: Sending) -> bool:
    """Whether the reply did not come to its end, whatever the server says."""
    if sending.reply is None or sending.reply.finish_reason == "stopped":
        return False
    if sending.reply.finish_reason == "length":
        return True
    return _is_at_limit(sending) and not is_finished(sending.text)


def is_lost_in_thought(sending: Sending) -> bool:
    """Whether the model thought until it had to stop, so that there is no answer."""
    if sending.reply is None or sending.text.strip() or not sending.reasoning.strip():
        return False
    return sending.reply.finish_reason == "length" or _is_at_limit(sending)


def sentences(sending: Sending, cut: CutPrompt | None) -> Iterator[str]:
    if cut:
        yield (
            f"The server read {cut.read_tokens} tokens of a prompt of about {cut.sent_tokens}: the "
            f"rest was cut. Use fewer passages, or give {sending.model.name} more context."
        )
    reason = sending.reply.finish_reason if sending.reply else ""
    if is_lost_in_thought(sending):
        yield nothing(sending)
    elif reason == "length" and _ends_early(sending):
        yield (
            f"The answer was cut after {_counted(sending)} tokens, because the server has no room "
            f"for more. Give {sending.model.name} more context, or use fewer passages."
        )
    elif is_cut(sending) and (reason == "length" or _counted(sending) >= sending.fitted.max_tokens):
        yield (
            f"The answer was cut at {sending.fitted.max_tokens} tokens. "
            "Allow longer answers, or ask for less."
        )
    elif is_cut(sending):
        yield (
            f"The answer seems to be cut after about {_counted(sending)} tokens, though the server "
            "calls it finished. Ask for less, or look for a limit in the server's settings."
        )
    if reason == "stopped":
        yield "The answer was stopped early, because it could not have been accepted."


def nothing(sending: Sending) -> str:
    """Why there is no answer."""
    if not is_lost_in_thought(sending):
        return f"{sending.model.name} wrote nothing."
    return (
        f"{sending.model.name} spent all {sending.fitted.max_tokens} tokens of its reply on "
        "thinking and wrote no answer. Raise RAG_MAX_TOKENS, or choose a model that thinks less."
    )


def _is_at_limit(sending: Sending) -> bool:
    counted_tokens = sending.reply.completion_tokens if sending.reply else None
    return is_at_limit(counted_tokens, sending.estimated_tokens, sending.fitted.max_tokens)


def _ends_early(sending: Sending) -> bool:
    """Whether the server itself says that the reply did not take all it was allowed."""
    counted_tokens = sending.reply.completion_tokens if sending.reply else None
    return counted_tokens is not None and counted_tokens < sending.fitted.max_tokens - 1


def _counted(sending: Sending) -> int:
    counted_tokens = sending.reply.completion_tokens if sending.reply else None
    return sending.estimated_tokens if counted_tokens is None else counted_tokens
