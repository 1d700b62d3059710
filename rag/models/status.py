"""How far a tier's model is from answering, as a value and as a sentence. In goes what a tier's
setting became; nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.models.chat import ChatModel
from rag.models.discovery import NOT_ASKED
from rag.models.embedded.served import ServedModel, Status
from rag.models.tiers import Resolved
from rag.models.weights import Progress
from rag.types import Capabilities, Reach, Tier

State = Literal["unknown", "none", "idle", "preparing", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class TierStatus:
    """How far a tier's model is from answering; ``sentence`` says it to a person."""

    tier: Tier
    setting: str  # what it resolved to, without a key; "" while that is not known
    model: str  # "" when there is none, or none is known yet
    state: State
    sentence: str
    progress: Progress | None = None  # while preparing
    capabilities: Capabilities | None = None
    reach: Reach | None = None

    @property
    def is_ready(self) -> bool:
        """Nothing to wait for: a question is answered, or refused, at once."""
        return self.state in {"none", "ready", "failed"}


def status_of(
    tier: Tier, found: Resolved | None, failure: str, remembered: Capabilities | None
) -> TierStatus:
    """``failure`` is of the last try, ``remembered`` what the model could do in an earlier run."""
    if found is None:
        state: State = "failed" if failure else "unknown"
        return TierStatus(tier, "", "", state, failure or "It is not known yet.")
    if found.model is None:
        return TierStatus(tier, "none", "", "none", found.reason)
    state, sentence, progress = _state(found.model, failure)
    can = found.model.capabilities
    return TierStatus(
        tier,
        str(found.setting),
        found.model.name,
        state,
        f"{found.reason} {sentence}",
        progress,
        can if can.streams is not None else remembered or can,
        found.model.reach,
    )


def _state(model: ChatModel, failure: str) -> tuple[State, str, Progress | None]:
    if isinstance(model, ServedModel):
        match model.status.stage:
            case "idle" | "ready" | "failed" as stage:
                return stage, model.status.sentence, None
            case stage:
                return "preparing", model.status.sentence, _progress(stage, model.status)
    if model.capabilities.streams is not None:
        return "ready", f"{model.name} answers.", None
    if failure:
        return "failed", failure, None
    if model.reach != "machine":
        return "idle", NOT_ASKED, None
    return "idle", f"{model.name or 'Its model'} is asked when it is first needed.", None


def _progress(stage: Literal["download", "convert", "load"], status: Status) -> Progress:
    unit = "bytes" if stage == "download" else "steps"
    return Progress(stage, status.done, status.total, unit)
