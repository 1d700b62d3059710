"""How a turn ends: who wrote what in, the final answer or the failure out.

The last model that could be judged has the word, unless modes.py or refining.py take it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rag.answering import modes, refining, refusals
from rag.answering.attempt import Writer
from rag.answering.citations import Cited
from rag.answering.turn import Turn
from rag.errors import RagError
from rag.measuring.cost import FREE, Price, cost_usd, energy_usd
from rag.measuring.energy import summed
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Attempt,
    Confidence,
    Energy,
    Failed,
    Judged,
    Retrieved,
    Route,
    Tier,
    Usage,
)

_INSTEAD: dict[Tier, str] = {
    "slm": "So the answer of the small model stands.",
    "llm": "So the larger model answered.",
}
_NOT_BETTER = "The larger model's version is backed less well, so the draft stands."


def events(turn: Turn) -> Iterator[AnswerEvent]:
    """The last of a turn: ``Answered`` or ``Failed``, and what a front end needs before it."""
    query = turn.asked.found.query
    best = _best(turn)
    if best is not None and best.confidence is not None:
        if turn.shown and best.context.text != turn.shown.text:
            yield Retrieved(query, best.context)
        judged = modes.standing(turn.mode, best.confidence, turn.gone)
        yield Answered(_answer(turn, best, judged))
    elif turn.writers or turn.before is None:
        yield _failed(turn, *(writer.error for writer in turn.writers))
    else:
        yield Retrieved(query, turn.nearest)
        yield Judged(turn.before)
        turn.clock.lap("check")
        yield Answered(_declined(turn, turn.before))


def broken_off(turn: Turn, error: RagError) -> Failed:
    """A turn that ends by what is no model's failure."""
    turn.clock.lap("queue" if turn.asked.found.hits else "retrieve")
    return _failed(turn, *(writer.error for writer in turn.writers), error)


def stopped(turn: Turn) -> Failed:
    """A turn that nobody waits for any more: a person stopped it."""
    turn.clock.lap("queue" if turn.asked.found.hits else "retrieve")
    return _failed(turn)


def _failed(turn: Turn, *errors: RagError | None) -> Failed:
    message = " ".join(dict.fromkeys(str(error) for error in errors if error))
    partial = next((writer.text for writer in reversed(turn.writers) if writer.text), "")
    latency, attempts = turn.clock.latency(), _attempts(turn)
    kinds = tuple(type(error).__name__ for error in errors if error)
    return Failed(message, partial, turn.trace_id, latency, attempts, _usage(turn), kinds)


def _best(turn: Turn) -> Writer | None:
    judged = [writer for writer in turn.writers if writer.confidence is not None]
    return judged[0] if _was_spoilt(turn) else judged[-1] if judged else None


def _was_spoilt(turn: Turn) -> bool:
    """Whether a polish is worse than its draft."""
    match [writer.confidence for writer in turn.writers]:
        case [Confidence() as draft, Confidence() as polished] if turn.mode == "refine":
            return refining.is_worse(polished, draft)
    return False


def _answer(turn: Turn, best: Writer, judged: Confidence) -> Answer:
    if modes.declines(turn.mode, judged.verdict):
        return _declined(turn, judged, best)
    cited = best.cited or Cited(best.text, ())
    usage = _usage(turn)
    return Answer(
        text=cited.text,
        route=_route(best),
        model=best.name,
        citations=cited.citations,
        confidence=judged,
        context=best.context,
        latency=turn.clock.latency(),
        usage=usage,
        cost_usd=_cost_usd(turn, usage),
        trace_id=turn.trace_id,
        warnings=(*_detours(turn, best), *best.warnings, *best.cuts(), *cited.warnings),
        query=turn.asked.found.query,
        attempts=_attempts(turn),
        unsupported=cited.unsupported,
        energy=_energy(turn),
        weighing=turn.asked.found.weighing,
    )


def _declined(turn: Turn, judged: Confidence, best: Writer | None = None) -> Answer:
    """Says that the documents do not hold it, with the nearest passages."""
    usage = _usage(turn)
    return Answer(
        text=refusals.not_found(turn.asked.language),
        route="declined",
        model="",
        citations=(),
        confidence=judged,
        context=best.context if best else turn.nearest,
        latency=turn.clock.latency(),
        usage=usage,
        cost_usd=_cost_usd(turn, usage),
        trace_id=turn.trace_id,
        warnings=tuple(_detours(turn, best)) if best else (),
        query=turn.asked.found.query,
        attempts=_attempts(turn),
        energy=_energy(turn),
        weighing=turn.asked.found.weighing,
    )


def _route(best: Writer) -> Route:
    return "refined" if best.instructions else best.tier


def _detours(turn: Turn, best: Writer) -> Iterator[str]:
    """Why another model than was to be expected has the word, a sentence each."""
    for writer in turn.writers:
        if writer.error:
            yield f"{writer.error} {_INSTEAD[best.tier]}"
    if _was_spoilt(turn):
        yield _NOT_BETTER
    if turn.no_llm and not (turn.mode == "auto" and best.verdict == "accept"):
        yield turn.no_llm


def _attempts(turn: Turn) -> tuple[Attempt, ...]:
    return tuple(writer.attempt() for writer in turn.writers if writer.prompt)


def _usage(turn: Turn) -> dict[str, Usage]:
    """By model; what one of them used in several goes is added up."""
    used: dict[str, Usage] = {}
    for writer in turn.writers:
        if (usage := writer.usage()) is not None:
            before = used.get(writer.name, Usage(0, 0, estimated=False))
            used[writer.name] = Usage(
                before.prompt_tokens + usage.prompt_tokens,
                before.completion_tokens + usage.completion_tokens,
                before.estimated or usage.estimated,
            )
    return used


def _cost_usd(turn: Turn, usage: Mapping[str, Usage]) -> float | None:
    """None when a model elsewhere has no price, or was asked and nobody knows what it read.

    Nor is it known while electricity has a price and nobody knows how much a model here took.
    """
    if any(writer.is_uncounted and writer.model.reach != "machine" for writer in turn.writers):
        return None
    tokens_usd = cost_usd(usage, _prices(turn))
    power_usd = energy_usd(_energy(turn), turn.options.usd_per_kwh) if _here(turn) else 0.0
    return None if tokens_usd is None or power_usd is None else tokens_usd + power_usd


def _prices(turn: Turn) -> dict[str, Price | None]:
    """By model; where one here and one elsewhere share a name, that of the one elsewhere."""
    nearest_first = sorted(turn.writers, key=lambda writer: writer.model.reach != "machine")
    return {writer.name: _price(writer) for writer in nearest_first}


def _price(writer: Writer) -> Price | None:
    if writer.model.reach == "machine":
        return FREE
    return writer.options.prices.find(writer.name, writer.model.address)


def _energy(turn: Turn) -> Energy | None:
    return summed(writer.energy for writer in _here(turn))


def _here(turn: Turn) -> list[Writer]:
    """Who was sent a prompt on this machine."""
    return [one for one in turn.writers if one.prompt and one.model.reach == "machine"]
