"""This machine beside the chat: what ``doctor`` finds and what running models take, in; properties
of ``public/elements/Machine.jsx`` out. It starts nothing, and knows nothing of processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.page import model_facts, reach, sentences
from rag.page.wording import Wording
from rag.types import Reach, Tier

if TYPE_CHECKING:
    from rag.machine import Finding

Props = dict[str, Any]

OWN = {"port"}  # it is taken by this very page


@dataclass(frozen=True, slots=True)
class Look:
    """At the processes of a model's server."""

    at_s: float  # of a clock that never goes back
    cpu_s: float  # that they have used since they started
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Running:
    """A tier's model just now. ``look`` None: it does not run, or cannot be seen from here."""

    tier: Tier
    model: str
    reach: Reach
    look: Look | None = None
    before: Look | None = None
    tokens_per_s: float | None = None
    is_writing: bool = False


def shown(findings: Sequence[Finding], running: Sequence[Running], words: Wording) -> Props:
    found = [one for one in findings if one.check not in OWN]
    wrong = [one for one in found if one.state != "ok"]
    return {
        "summary": words.count(len(wrong), "thing") if wrong else words("machine_well"),
        "is_well": not wrong,
        "findings": [_finding(one, words) for one in (*wrong, *_well(found))],
        "running": live(running, words),
        "labels": words.group("while_running", "machine_found", "look_again", "looking_machine"),
    }


def _well(found: Sequence[Finding]) -> list[Finding]:
    return [one for one in found if one.state == "ok"]


def _finding(one: Finding, words: Wording) -> Props:
    return {
        "state": one.state,
        "text": sentences.said(one.message, words),
        "fix": sentences.said(one.fix, words),
    }


# --- while a model runs ------------------------------------------------------------------


def live(running: Sequence[Running], words: Wording) -> list[Props]:
    return [
        {
            "label": words(one.tier),
            "model": one.model,
            "reach": reach.badge(one.reach, words),
            "state": words(_state(one)),
            "figures": [
                {"name": words(name), "value": value} for name, value in _figures(one) if value
            ],
        }
        for one in running
    ]


def _state(one: Running) -> str:
    if one.is_writing:
        return "live_writing"
    if one.reach != "machine":
        return "live_elsewhere"
    return "live_waiting" if one.look else "live_none"


def _figures(one: Running) -> list[tuple[str, str]]:
    at_work = busy(one.before, one.look) if one.before and one.look else None
    return [
        ("live_memory", model_facts.size(one.look.memory_bytes) if one.look else ""),
        ("live_processors", "" if at_work is None else f"{at_work:.1f}"),
        ("live_speed", f"{one.tokens_per_s:.1f}" if one.tokens_per_s else ""),
    ]


def busy(before: Look, now: Look) -> float | None:
    """Processors at work between two looks; None where they tell nothing, as after a restart.

    >>> busy(Look(10.0, 1.0, 0), Look(12.0, 4.0, 0))
    1.5
    """
    elapsed_s, used_s = now.at_s - before.at_s, now.cpu_s - before.cpu_s
    return used_s / elapsed_s if elapsed_s > 0 and used_s >= 0 else None
