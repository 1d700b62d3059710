from __future__ import annotations

from pathlib import Path
from typing import Any

from rag.page import choices
from rag.page.choices import Choices, Field
from rag.page.wording import Wording
from rag.settings import load

ROOT = Path(__file__).parents[2]
MODELS = ["embedded:qwen2.5-coder-0.5b", "embedded:qwen2.5-coder-1.5b"]


def fields(values: dict[str, Any], documents: dict[str, str] | None = None) -> dict[str, Field]:
    settings = load(mode="slm", slm="auto", llm="none", temperature=0.2)
    panel = choices.panel(values, settings, MODELS, documents or {}, Wording("en"))
    return {field.arguments["id"]: field for fields in panel.values() for field in fields}


def test_the_settings_hold_when_nothing_was_chosen() -> None:
    assert choices.parse({}, "slm") == Choices("slm")


def test_the_choices_are_read_when_the_panel_was_confirmed() -> None:
    values = {
        "mode": "llm", "slm": "embedded:small", "slm_other": None, "llm": "embedded:large",
        "llm_other": " http://127.0.0.1:1/v1#m ", "top_k": "3", "context_tokens": "auto",
        "temperature": 0.0, "documents": ["a", "b"],
    }  # fmt: skip
    assert choices.parse(values, "slm") == Choices(
        "llm", "embedded:small", "http://127.0.0.1:1/v1#m", 3, None, 0.0, frozenset({"a", "b"})
    )
    assert choices.typed(values) == {"llm_other": "http://127.0.0.1:1/v1#m"}


def test_what_the_panel_sends_back_is_what_it_showed_when_nothing_changed() -> None:
    shown = {
        name: field.arguments.get("initial_value", field.arguments.get("initial"))
        for name, field in fields({}, {"a.pdf": "id-a"}).items()
    }
    assert choices.parse(shown, "slm") == Choices("slm", temperature=0.2)


def test_the_panel_shows_what_was_chosen_when_it_is_sent_anew() -> None:
    panel = fields({"mode": "llm", "top_k": "5", "llm": "none"}, {})
    assert panel["mode"].arguments["initial_value"] == "llm"
    assert panel["top_k"].arguments["initial_value"] == "5"
    assert panel["llm"].arguments["initial_value"] == "none"
    assert panel["temperature"].arguments["initial"] == 0.2


def test_every_mode_is_offered_with_what_it_does_when_the_panel_opens() -> None:
    mode = fields({"mode": "refine"})["mode"].arguments
    assert list(mode["items"].values()) == ["auto", "slm", "llm", "refine"]
    assert mode["initial_value"] == "refine"
    assert all(len(label) > len("Automatic") for label in mode["items"])
    assert mode["description"]


def test_a_model_stays_chosen_when_its_server_is_gone() -> None:
    chosen = "http://127.0.0.1:9/v1#gone"
    slm = fields({"slm": chosen})["slm"].arguments
    assert slm["initial_value"] == chosen
    assert list(slm["items"].values()) == ["as-set", *MODELS, chosen]


def test_no_key_is_shown_when_a_setting_holds_one() -> None:
    panel = choices.panel({}, load(slm="https://secret@a.example/v1#m"), MODELS, {}, Wording("en"))
    assert "secret" not in str(panel)


def test_there_is_no_filter_when_there_are_no_documents() -> None:
    assert "documents" not in fields({})


def test_a_removed_document_leaves_the_filter_when_the_panel_is_sent_anew() -> None:
    panel = fields({"documents": ["id-a", "gone"]}, {"a.pdf": "id-a"})
    assert panel["documents"].arguments["initial"] == ["id-a"]


def test_only_the_large_model_can_be_none_when_models_are_listed() -> None:
    panel = fields({})
    assert list(panel["slm"].arguments["items"].values()) == ["as-set", *MODELS]
    assert list(panel["llm"].arguments["items"].values()) == ["as-set", *MODELS, "none"]


def test_every_suggestion_has_its_picture_when_a_chat_is_empty() -> None:
    icons = [one["icon"] for one in choices.starters(Wording("ro"))]
    assert len(icons) == 4
    assert all((ROOT / icon.lstrip("/")).is_file() for icon in icons)
