"""Whether a question could be answered now: the state of library and models in, JSON out."""

from __future__ import annotations

from typing import get_args

from rag.api.host import Host
from rag.errors import RagError
from rag.models.embedded.protocol import JSON
from rag.models.status import TierStatus
from rag.types import Tier

_NAMED = {"preparing": "loading", "none": "missing"}  # as operators say


def readiness(host: Host) -> JSON:
    """``ready``, and what that depends on; nothing is asked and nobody waits."""
    try:
        workspace = host.opened
    except RagError as exc:
        return {"ready": False, "library": {"state": "failed", "reason": str(exc)}, "models": {}}
    if workspace is None:
        return {"ready": False, "library": {"state": "opening"}, "models": {}}
    tiers: tuple[Tier, ...] = get_args(Tier)
    statuses = [workspace.status(tier) for tier in tiers]
    allow_remote = host.settings.allow_remote
    is_ending = workspace.turnstile.is_shut
    return {
        "ready": not is_ending
        and any(_can_answer(status, allow_remote=allow_remote) for status in statuses),
        "is_ending": is_ending,
        "library": {"state": "open", "documents": len(workspace.library.documents())},
        "models": {status.tier: _tier(status, allow_remote=allow_remote) for status in statuses},
    }


def outline(readiness: JSON) -> JSON:
    """Without what is nobody's business: for those who may not ask."""
    return {"ready": readiness["ready"]}


def _tier(status: TierStatus, *, allow_remote: bool) -> JSON:
    progress = status.progress
    percent = None
    if progress is not None and progress.total:
        percent = round(100 * progress.done / progress.total)
    return {
        "state": _state(status, allow_remote=allow_remote),
        "model": status.model,
        "reach": status.reach,
        "percent": percent,
        "reason": status.sentence,
    }


def _state(status: TierStatus, *, allow_remote: bool) -> str:
    if status.state == "idle" and status.reach != "machine" and not allow_remote:
        return "elsewhere"
    return _NAMED.get(status.state, status.state)


def _can_answer(status: TierStatus, *, allow_remote: bool) -> bool:
    """An idle model is loaded, or asked, with the first question."""
    return _state(status, allow_remote=allow_remote) in {"ready", "idle"}
