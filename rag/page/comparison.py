"""Two answers to one question next to each other: a pipeline in, its sides and what is shown, out.

Which one stands first is drawn by lot, as people like what they see first. The history that a chat
builds on is not touched.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rag.page import reach
from rag.page.chat import Chat
from rag.page.reach import Place
from rag.page.wording import Wording
from rag.types import Mode, Tier

if TYPE_CHECKING:
    from rag.answering.pipeline import Pipeline
    from rag.measuring.preferences import Preference, Preferred

Props = dict[str, Any]
PREFERRED: tuple[Preferred, ...] = ("first", "second", "neither")


@dataclass(frozen=True, slots=True)
class Side:
    id: str  # as a turn has one
    tier: Tier
    pipeline: Pipeline  # that asks its model and no other
    model: str  # "" where a server's first is not known yet
    place: Place


def aside(chat: Chat) -> Chat:
    """What a turn is told with that is no part of the chat's history."""
    return replace(chat, turns=chat.beside, writing=None)


def sides(
    pipeline: Pipeline, turn_id: str, chat: Chat, is_small_first: Callable[[], bool] | None = None
) -> list[Side]:
    """In the order they are shown. A model that fails, or may not be asked, is not replaced by the
    other one."""
    large = pipeline.llm or pipeline.slm
    pipelines: dict[Tier, Pipeline] = {"slm": pipeline, "llm": replace(pipeline, slm=large)}
    models = {"slm": pipeline.slm, "llm": large}
    made = [
        Side(
            f"{turn_id} {tier} {len(chat.beside)}",
            tier,
            pipelines[tier],
            models[tier].name,
            Place(models[tier].reach, models[tier].address),
        )
        for tier in pipelines
    ]
    by_lot = is_small_first or (lambda: random.random() < 0.5)  # noqa: PLR2004, S311
    return made if by_lot() else made[::-1]


def in_turn(shown: Sequence[Side]) -> list[Side]:
    """In the order they are asked: the small one is soon done."""
    return sorted(shown, key=lambda side: side.tier == "llm")


def at_once(shown: Sequence[Side]) -> bool:
    """Whether they can be asked together: two models of one machine slow each other down."""
    machines = {"" if side.place.reach == "machine" else side.place.host for side in shown}
    return len(machines) == len(shown)


# --- what is shown -----------------------------------------------------------------------


def head(side: Side, shown: Sequence[Side], words: Wording) -> Props:
    """What stands above an answer, so that both can be told apart while they are written."""
    first = in_turn(shown)[0]
    waits = side is not first and not at_once(shown)
    return {
        "place": "first" if side is shown[0] else "second",
        "label": words(side.tier),
        "model": side.model,
        "reach": reach.badge(side.place.reach, words),
        "waits": words("side_waits", model=first.model or words("a_model")) if waits else "",
    }


def asked_to_choose(shown: Sequence[Side], chat: Chat) -> Props | None:
    """None where one of them has no answer: there is nothing to choose between."""
    first, second = shown
    if not all(_answered(side.id, chat) for side in shown):
        return None
    words = chat.words
    return {
        "first": first.id,
        "second": second.id,
        "question": words("which_is_better"),
        "choices": [
            {"value": "first", "text": words(first.tier)},
            {"value": "second", "text": words(second.tier)},
            {"value": "neither", "text": words("the_same")},
        ],
        "kept": words("preference_kept"),
    }


# --- what is chosen ----------------------------------------------------------------------


def preference(chosen: Mapping[str, Any], chat: Chat, at: float) -> Preference | None:
    """None for what is not here any more. ``at``: seconds since 1970."""
    from rag.measuring import preferences  # noqa: PLC0415 (slow)

    first, second = (_answered(str(chosen.get(place)), chat) for place in ("first", "second"))
    preferred = next((one for one in PREFERRED if one == chosen.get("preferred")), None)
    if first is None or second is None or preferred is None:
        return None
    return preferences.Preference(
        at, preferences.Side(*first), preferences.Side(*second), preferred
    )


def tally(kept: Sequence[Preference], latest: Preference, words: Wording) -> str:
    """How often each of these two models was liked better, with this choice."""
    from rag.measuring import preferences  # noqa: PLC0415 (slow)

    names = {latest.first.model, latest.second.model}
    for one in preferences.wins(kept):
        if {one.model, one.other} == names:
            return words(
                "preferred_so_far", model=one.model, wins=one.wins, other=one.other,
                losses=one.losses, neither=one.neither,
            )  # fmt: skip
    return words("preference_kept")


def _answered(side_id: str, chat: Chat) -> tuple[str, str, Mode] | None:
    """Trace, model and mode of an answer that came."""
    asked = chat.beside.get(side_id)
    if asked is None or asked.answer is None:
        return None
    return asked.answer.trace_id, asked.answer.model, asked.mode
