"""All settings, read from the environment and ``.env`` in this one place.

Every other module is handed plain values. ``docs/settings.md`` is generated from this class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.errors import SettingsError
from rag.types import Mode

Positive = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Prefix ``RAG_``, except where a name is shared with other tools."""

    model_config = SettingsConfigDict(env_prefix="RAG_", env_file=".env", extra="ignore")

    # models
    slm: str = Field(
        "auto",
        description="The small model: `auto`, `embedded:NAME`, `foundry:ALIAS`, or `URL#MODEL`.",
    )
    llm: str = Field(
        "auto",
        description="The larger model, in the same forms; `none` for no larger model.",
    )
    foundry_local_endpoint: str = Field(
        "",
        validation_alias="FOUNDRY_LOCAL_ENDPOINT",
        description="Address of a running Foundry Local service (its default port is 5273).",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="OPENAI_API_KEY",
        description="Key sent to servers that are not on this machine.",
    )
    temperature: float = Field(0.0, ge=0, le=2, description="0 repeats itself; higher varies.")
    max_tokens: Positive = Field(512, description="Longest answer, in tokens.")
    connect_timeout_s: float = Field(5, gt=0, description="Wait for a server to accept.")
    first_token_timeout_s: float = Field(120, gt=0, description="Wait for the first token.")
    stall_timeout_s: float = Field(30, gt=0, description="Longest pause between two tokens.")

    # answering
    mode: Mode = Field("slm", description="How a turn is answered until the chat says otherwise.")
    top_k: Positive | None = Field(
        None, description="Passages a model gets; unset: the number measured best for the model."
    )
    context_tokens: Positive | None = Field(
        None, description="Budget for passages, in tokens; unset: what the model's context allows."
    )

    # documents and retrieval
    docs_dir: Path = Field(Path("docs"), description="Folder indexed at start.")
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("edge-rag-chat", appauthor=False)),
        description="Where the library, indexes and model files are kept.",
    )
    chunk_tokens: Positive = Field(192, description="Longest passage, in tokens.")
    chunk_overlap: float = Field(
        0.25, ge=0, lt=1, description="Share repeated where a paragraph has to be split."
    )
    memory_index_chunks: int = Field(
        10_000, ge=0, description="Above this many passages the library is searched on disk."
    )
    max_file_mb: Positive = Field(100, description="Largest file that is read.")
    max_pages: Positive = Field(5_000, description="Longest document that is read.")
    file_timeout_s: float = Field(300, gt=0, description="Longest time one file may take.")
    workers: int = Field(0, ge=0, description="Processes that read files; 0: one a core.")

    @field_validator("slm", "llm")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()


def load(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` win over the environment.

    Raises SettingsError naming the variable, never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        variable = name if name.isupper() else f"RAG_{name.upper()}"
        raise SettingsError(f"Setting {variable}: {first['msg']}.") from exc
