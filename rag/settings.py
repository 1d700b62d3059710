"""All settings, read from the environment and ``.env`` in this one place.

Every other module is handed plain values. ``docs/settings.md`` is generated from this class.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
)

from rag.errors import SettingsError
from rag.types import Device, Mode

Positive = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Prefix ``RAG_``, except where a name is shared with other tools."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
    )

    # models
    slm: str = Field(
        "auto",
        description="The small model: `auto`, `embedded:NAME`, `foundry:ALIAS`, `foundry:FOLDER`, "
        "or `URL#MODEL`.",
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
    foundry_ep: Device = Field(
        "auto",
        description="Where Foundry Local's models run inside this program: `cpu`, `gpu`, `npu`, or "
        "`auto` for the fastest that is there.",
    )
    ollama_host: str = Field(
        "",
        validation_alias="OLLAMA_HOST",
        description="Where Ollama listens, as Ollama itself reads it; unset: its usual port.",
    )
    discovery: bool = Field(
        True,
        description="Look for model servers on the usual ports of this machine; `auto` chooses "
        "among their models.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias="OPENAI_API_KEY",
        description="Key sent to https servers that are not on this machine.",
    )
    temperature: float = Field(0.0, ge=0, le=2, description="0 repeats itself; higher varies.")
    max_tokens: Positive = Field(512, description="Longest answer, in tokens.")
    connect_timeout_s: float = Field(5, gt=0, description="Wait for a server to accept.")
    first_token_timeout_s: float = Field(120, gt=0, description="Wait for the first token.")
    stall_timeout_s: float = Field(30, gt=0, description="Longest pause between two tokens.")

    # answering
    mode: Mode = Field(
        "auto",
        description="How a turn is answered until the chat says otherwise: `auto`, `slm`, `llm` or "
        "`refine`.",
    )
    escalation_timeout_s: float = Field(
        120, gt=0, description="Longest the larger model may take; then the draft stands."
    )
    refine_topics: str = Field(
        "", description="Words, with commas between, that make `refine` polish what is about them."
    )
    allow_remote: bool = Field(
        False, description="Send questions to models on other machines without asking first."
    )
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

    # measuring
    ledger: bool = Field(
        True, description="Note route, figures and cost of every turn on this machine; no text."
    )
    prices: str = Field(
        "",
        description="`model=prompt/completion, …`: US dollars for a million tokens of each; these "
        "go before all lists of prices.",
    )
    watts: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="What this machine takes while a model works; unset: measured where it can be.",
    )
    usd_per_kwh: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Price of electricity, for the cost of models on this machine; unset: not "
        "counted.",
    )

    compare_prompt: str = Field(
        "",
        validation_alias="COMPARE_PROMPT",
        description="What `compare` asks in place of its probes.",
    )
    bench_models: str = Field(
        "",
        validation_alias="BENCH_MODELS",
        description="Models that `bench` measures, with commas between; unset: both tiers'.",
    )
    bench_prompt: str = Field(
        "",
        validation_alias="BENCH_PROMPT",
        description="What `bench` asks; unset: a text of known length.",
    )
    bench_rounds: Positive = Field(
        5, validation_alias="BENCH_ROUNDS", description="How often `bench` asks each."
    )
    bench_stream: bool = Field(
        True,
        validation_alias="BENCH_STREAM",
        description="Let `bench` have answers streamed; without, only totals can be told.",
    )

    # the page
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias="CHAINLIT_PORT",
        description="Port of the page; `chainlit run app.py --port` wins.",
    )

    @field_validator("slm", "llm")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()

    @field_validator("docs_dir", "data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def load(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` win over the environment.

    Raises SettingsError naming the variable, never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else variable_of(name, Settings.model_fields[name])
        raise SettingsError(f"Setting {variable}: {first['msg']}.") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError("The file .env is not UTF-8 text: save it as UTF-8.") from exc


def words_of(text: str) -> tuple[str, ...]:
    """
    >>> words_of("dose, allergies,")
    ('dose', 'allergies')
    """
    return tuple(word for part in text.split(",") if (word := part.strip()))


def variable_of(name: str, field: FieldInfo) -> str:
    """The environment variable of a field."""
    return str(field.validation_alias or f"RAG_{name.upper()}")


def misspelt() -> tuple[str, ...]:
    """Variables that start with ``RAG_`` and are no setting: most likely typing errors."""
    known = {variable_of(*item).lower() for item in Settings.model_fields.items()}
    given = {*EnvSettingsSource(Settings).env_vars, *DotEnvSettingsSource(Settings).env_vars}
    return tuple(
        sorted(
            name.upper()
            for name in {name.lower() for name in given} - known
            if name.startswith("rag_")
        )
    )


def as_markdown() -> str:
    """The table of all settings, for ``docs/settings.md``."""
    rows = [
        f"| `{variable_of(name, field)}` | {_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _PAGE.format(rows="\n".join(rows))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "your user data folder"
    value = field.default
    if isinstance(value, SecretStr) or value in (None, ""):
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_PAGE = """\
# Settings

Set them as environment variables, or one a line in a file named `.env` in the folder where you
start the chat, for example `RAG_TOP_K=3`. The environment wins over `.env`; an empty value counts
as not set. A value that makes no sense is refused at start with a sentence that names the
variable, and `python -m rag doctor` points out names it does not know.

Mode, models, number of passages, budget and temperature can also be changed in the chat's settings
panel; there they hold for that chat only.

| variable | default | what it does |
|---|---|---|
{rows}

The page is served on this machine only (`127.0.0.1`). `chainlit run app.py --host 0.0.0.0`, or
`CHAINLIT_HOST`, opens it to the network: then anyone who reaches the port can ask and read.
"""


def main(arguments: list[str]) -> int:
    """``[--check] FILE``: write the page, or say whether it is in step with this class."""
    path = Path(arguments[-1])
    if arguments[0] != "--check":
        path.write_text(as_markdown(), encoding="utf-8", newline="\n")
        return 0
    in_step = path.exists() and path.read_text(encoding="utf-8") == as_markdown()
    if not in_step:
        print(f"{path} is out of step: run `python -m rag.settings {path}`.", file=sys.stderr)
    return 0 if in_step else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
