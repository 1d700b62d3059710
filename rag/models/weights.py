"""The pinned catalogue of model files: what each is, how large, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something slow has come."""

    stage: Literal["download", "convert", "load"]
    done: int
    total: int  # 0: unknown
    unit: str  # "bytes" or "steps"
