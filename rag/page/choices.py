"""What a chat offers to choose: suggestions and the settings panel out, what was chosen back in.

A field is plain data (kind and arguments); which widget draws it is the front end's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from rag.page.wording import Wording
from rag.settings import Settings
from rag.types import Mode, Tier

AUTOMATIC = "auto"  # of a number
AS_SET = "as-set"  # of a model
TOP_K = ("1", "2", "3", "4", "5", "6", "8", "10", "15")
CONTEXT_TOKENS = ("256", "512", "1024", "2048", "4096", "8192")
EXAMPLE = "http://127.0.0.1:11434/v1#llama3.2:3b"
STARTERS = ("about", "files", "models", "card")
MODES: tuple[Mode, ...] = ("auto", "slm", "llm", "refine")
TIERS: tuple[Tier, ...] = ("slm", "llm")
_KEY = re.compile(r"(?<=://)[^/#]*@")


Kind = Literal["select", "multiselect", "slider", "text"]


class PipelineChoices(TypedDict):
    slm: str | None
    llm: str | None
    top_k: int | None
    context_tokens: int | None
    temperature: float | None


@dataclass(frozen=True, slots=True)
class Choices:
    """None: as the settings say."""

    mode: Mode
    slm: str | None = None
    llm: str | None = None
    top_k: int | None = None
    context_tokens: int | None = None
    temperature: float | None = None
    documents: frozenset[str] = frozenset()  # ids; empty: all

    @property
    def warmed(self) -> tuple[Tier, ...]:
        """Whose models are worth loading before they are asked: the one that answers first, and a
        larger one that was chosen for this chat."""
        if self.mode in {"slm", "llm"}:
            return ("slm" if self.mode == "slm" else "llm",)
        return ("slm",) if self.llm is None else ("slm", "llm")

    def of_pipeline(self) -> PipelineChoices:
        return {
            "slm": self.slm,
            "llm": self.llm,
            "top_k": self.top_k,
            "context_tokens": self.context_tokens,
            "temperature": self.temperature,
        }


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    arguments: Mapping[str, Any]


def parse(values: Mapping[str, Any], default_mode: Mode) -> Choices:
    """The panel sends None for a field left empty."""
    return Choices(
        mode=values.get("mode") or default_mode,
        slm=_model(values, "slm"),
        llm=_model(values, "llm"),
        top_k=_number(values.get("top_k")),
        context_tokens=_number(values.get("context_tokens")),
        temperature=values.get("temperature"),
        documents=frozenset(values.get("documents") or ()),
    )


def starters(words: Wording) -> list[dict[str, str]]:
    """What an empty chat suggests to ask."""
    return [
        {
            "label": words(f"starter_{name}"),
            "message": words(f"starter_{name}_message"),
            "icon": f"/public/icons/{name}.svg",
        }
        for name in STARTERS
    ]


def typed(values: Mapping[str, Any]) -> dict[str, str]:
    """What was typed as a tier's model, in place of a choice from the list, by its field."""
    fields = (f"{tier}_other" for tier in TIERS)
    return {name: text for name in fields if (text := (values.get(name) or "").strip())}


def panel(
    values: Mapping[str, Any],
    settings: Settings,
    models: Sequence[str],
    documents: Mapping[str, str],
    words: Wording,
) -> dict[str, list[Field]]:
    """The panel's fields by the heading they stand under, holding what a person has set.

    ``models`` are what a tier can be besides its setting, ``documents`` the ids of what can be
    searched by names that are unique.
    """
    models_of = [
        _model_fields(tier, getattr(settings, tier), models, values, words) for tier in TIERS
    ]
    return {
        "answers": _answer_fields(values, settings, documents, words),
        "models": [field for fields in models_of for field in fields],
    }


def without_key(setting: str) -> str:
    """A model's setting as a person may see it.

    >>> without_key("https://secret@api.example.com/v1#large")
    'https://api.example.com/v1#large'
    """
    return _KEY.sub("", setting)


def _answer_fields(
    values: Mapping[str, Any], settings: Settings, documents: Mapping[str, str], words: Wording
) -> list[Field]:
    modes = {words(f"mode_{mode}"): mode for mode in MODES}
    fields = [_select("mode", modes, values.get("mode") or settings.mode, words)]
    if documents:
        kept = [one for one in values.get("documents") or () if one in documents.values()]
        fields.append(_field("multiselect", "documents", words, items=documents, initial=kept))
    for name, numbers in (("top_k", TOP_K), ("context_tokens", CONTEXT_TOKENS)):
        options = {words("automatic"): AUTOMATIC, **{number: number for number in numbers}}
        fields.append(_select(name, options, values.get(name) or AUTOMATIC, words))
    temperature = values.get("temperature")
    warmth = settings.temperature if temperature is None else temperature
    fields.append(_field("slider", "temperature", words, initial=warmth, min=0, max=1.5, step=0.1))
    return fields


def _model_fields(
    tier: Tier,
    default: str,
    models: Sequence[str],
    values: Mapping[str, Any],
    words: Wording,
) -> list[Field]:
    options = {
        words("as_set", value=without_key(default)): AS_SET,
        **{model: model for model in models},
    }
    if tier == "llm":
        options[words("none")] = "none"
    chosen = values.get(tier) or AS_SET
    if chosen not in options.values():  # it was found earlier, and is still what a person wants
        options[chosen] = chosen
    return [
        _select(tier, options, chosen, words),
        _field(
            "text",
            f"{tier}_other",
            words,
            initial=values.get(f"{tier}_other") or "",
            placeholder=EXAMPLE,
        ),
    ]


def _select(name: str, options: Mapping[str, str], value: str, words: Wording) -> Field:
    known = value if value in options.values() else next(iter(options.values()))
    return _field("select", name, words, items=options, initial_value=known)


def _field(kind: Kind, name: str, words: Wording, **arguments: Any) -> Field:
    help_ = {"description": words(f"{name}_help")} if words.knows(f"{name}_help") else {}
    return Field(kind, {"id": name, "label": words(name), **help_, **arguments})


def _model(values: Mapping[str, Any], tier: str) -> str | None:
    chosen = (values.get(f"{tier}_other") or "").strip() or values.get(tier)
    return None if chosen in {None, "", AS_SET} else str(chosen)


def _number(value: Any) -> int | None:
    return None if value in {None, "", AUTOMATIC} else int(value)
