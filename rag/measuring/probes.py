"""What ``compare`` asks: the shipped probes, or a person's prompt; prompts for a plan out."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from rag.measuring.probes_check import Check
from rag.measuring.samples import Prompt
from rag.types import Message

PROBES = Path(__file__).with_name("probes.toml")


class Probe(BaseModel):
    """A task with a text of its own, and what an answer must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    ability: str
    source: str
    task: str
    reference: str  # an answer that passes
    check: Check

    def prompt(self, max_tokens: int) -> Prompt:
        """The task comes last: small models forget one that a long text follows."""
        source = " ".join(self.source.split())
        asked = (Message("user", f"{source}\n\n{self.task}"),)
        return Prompt(self.id, asked, max_tokens, self.task, (source,))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    probe: tuple[Probe, ...]


@cache
def probes() -> tuple[Probe, ...]:
    """In the order of the file."""
    return _File.model_validate(tomllib.loads(PROBES.read_text(encoding="utf-8"))).probe


def probe_of(prompt: Prompt) -> Probe | None:
    """What ``prompt`` was made of; None for a person's own, or one of an older list."""
    found = next((probe for probe in probes() if probe.id == prompt.id), None)
    return found if found and found.prompt(prompt.max_tokens) == prompt else None


def own_prompt(text: str, max_tokens: int) -> Prompt:
    return Prompt("prompt", (Message("user", text),), max_tokens, text)
