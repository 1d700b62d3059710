from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import SettingsError
from rag.settings import Settings, load, misspelt
from rag.settings_page import as_markdown, main

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAG_{name.upper()}", raising=False)
    for name in ("FOUNDRY_LOCAL_ENDPOINT", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_hold_when_nothing_is_set(tmp_path: Path) -> None:
    settings = load()
    assert (settings.slm, settings.llm, settings.mode) == ("auto", "auto", "auto")
    assert settings.top_k is None
    assert settings.docs_dir == tmp_path / "docs"


def test_the_environment_wins_when_the_file_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("RAG_TOP_K=3\nRAG_SLM=embedded:a\n", encoding="utf-8")
    monkeypatch.setenv("RAG_TOP_K", "7")
    settings = load()
    assert (settings.top_k, settings.slm) == (7, "embedded:a")


def test_overrides_win_when_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", "elsewhere")
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    settings = load(data_dir=tmp_path, openai_api_key="given")
    assert settings.data_dir == tmp_path
    assert settings.openai_api_key.get_secret_value() == "given"


def test_a_value_counts_as_not_set_when_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_TOP_K", "")
    monkeypatch.setenv("RAG_CHUNK_TOKENS", "")
    settings = load()
    assert (settings.top_k, settings.chunk_tokens) == (None, 192)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("RAG_TOP_K", "none", "Setting RAG_TOP_K: Input should be a valid integer"),
        (
            "RAG_TEMPERATURE",
            "3",
            "Setting RAG_TEMPERATURE: Input should be less than or equal to 2",
        ),
        ("GROQ_API_KEY", "gsk a", "Setting GROQ_API_KEY: Value error, keys are printable and have"),
        (
            "RAG_INDEX",
            "opensearch+http://ann:secret@one/Rag",
            "Setting RAG_INDEX: Value error, a cluster's address looks like",
        ),
        ("RAG_MODE", "fast", "Setting RAG_MODE: Input should be 'auto', 'slm', 'llm' or 'refine'"),
    ],
)
def test_the_variable_is_named_when_its_value_is_bad(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith(sentence)
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_the_file_is_named_when_it_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"RAG_SLM=\xff\xfe")
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8"):
        load()


def test_a_secret_is_not_shown_when_settings_are_printed() -> None:
    settings = load(
        openai_api_key="sk-very-secret", index="opensearch+https://ann:sk-very-secret@one/rag"
    )
    assert "sk-very-secret" not in repr(settings)


def test_names_are_pointed_out_when_no_setting_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert misspelt() == ()
    monkeypatch.setenv("RAG_TOPK", "3")
    (tmp_path / ".env").write_text("RAG_SML=auto\nRAG_SLM=auto\nOTHER=1\n", encoding="utf-8")
    assert misspelt() == ("RAG_SML", "RAG_TOPK")


def test_the_page_is_in_step_when_settings_change() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown()


def test_check_fails_when_the_page_is_missing_or_old(tmp_path: Path) -> None:
    page = tmp_path / "settings.md"
    assert main(["--check", str(page)]) == 1
    assert main([str(page)]) == 0
    assert main(["--check", str(page)]) == 0
    page.write_text(page.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert main(["--check", str(page)]) == 1


def test_a_key_is_taken_without_its_line_end_when_it_was_pasted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", " sk-own\n")
    settings = load()
    assert settings.keys["MISTRAL_API_KEY"] == "sk-own"
    assert "sk-own" not in repr(settings)
