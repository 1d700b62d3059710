"""Facts of models as a person reads them: sizes, speeds, abilities, how far a download is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rag.page import sentences
from rag.page.models import Pull
from rag.page.wording import Wording
from rag.types import Capabilities

if TYPE_CHECKING:
    from rag.models.dialects import FoundModel
    from rag.models.downloads import Download
    from rag.models.trial import Trial

Props = dict[str, Any]

GIGA, MEGA = 1_000_000_000, 1_000_000


def trial(one: Trial, words: Wording) -> Props:
    if one.error:
        return {"is_good": False, "text": sentences.said(one.error, words)}
    told = [
        words("trial_loaded", took=_duration(one.load_ms)) if one.is_cold and one.load_ms else "",
        words("trial_first", took=_duration(one.first_token_ms)) if one.first_token_ms else "",
        words("speed", speed=f"{one.tokens_per_second:.0f}") if one.tokens_per_second else "",
    ]
    return {"is_good": True, "text": " · ".join(filter(None, told)) or words("trial_good")}


def capabilities(known: Capabilities | None, words: Wording) -> list[Props]:
    """What a model was seen to do, and not to do; nothing where it was never asked."""
    if known is None:
        return []
    seen = {
        "streams": known.streams,
        "reports_usage": known.reports_usage,
        "logprobs": known.logprobs,
        "reasons": known.reasons or None,
    }
    return [
        {"text": words(f"can_{name}" if can else f"cannot_{name}"), "can": can}
        for name, can in seen.items()
        if can is not None
    ]


def offered(model: FoundModel, words: Wording) -> list[str]:
    seen = model.capabilities.context_tokens if model.capabilities else None
    context = seen or model.context_tokens
    return [
        words("parameters", billions=f"{model.parameters_b:g}") if model.parameters_b else "",
        "" if model.is_hosted else size(model.size_bytes),
        words("context", tokens=f"{context:,}") if context else "",
        words("is_loaded") if model.is_loaded else "",
    ]


def takes(one: Download, words: Wording) -> list[str]:
    return [
        words("on_disk", size=size(one.disk_bytes)) if one.is_installed else size(one.size_bytes),
        words("memory", size=size(one.memory_bytes)) if one.memory_bytes else "",
        one.licence,
    ]


def name(setting: str) -> str:
    return setting.partition(":")[2]


def size(count_bytes: int | None) -> str:
    """
    >>> size(1_556_000_000), size(98_000_000), size(None)
    ('1.6 GB', '98 MB', '')
    """
    if not count_bytes:
        return ""
    if count_bytes >= GIGA:
        return f"{count_bytes / GIGA:.1f} GB"
    return f"{count_bytes / MEGA:.0f} MB"


def _duration(milliseconds: float | None) -> str:
    """
    >>> _duration(84.2), _duration(2310.0)
    ('84 ms', '2.3 s')
    """
    ms = milliseconds or 0.0
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"  # noqa: PLR2004


def pulled(pull: Pull, words: Wording) -> Props:
    progress = pull.progress
    if pull.error:
        return {"error": sentences.said(pull.error, words), "text": "", "share": None}
    share = progress.done / progress.total if progress and progress.total else None
    key = f"pull_{progress.stage}" if progress else "pull_begins"
    done = ""
    if progress and progress.unit == "bytes":
        done = f" · {size(progress.done)} / {size(progress.total)}"
    percent = f" {share:.0%}" if share is not None else ""
    return {"error": "", "text": f"{words(key)}{percent}{done}", "share": share}
