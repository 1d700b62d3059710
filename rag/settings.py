"""All settings, read from the environment and ``.env`` in this one place.

Every other module is handed plain values. ``docs/settings.md`` is generated from this class
(rag/settings_page.py).
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

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
from rag.people.owners import Login
from rag.retrieval.address import FORM, cluster_address
from rag.types import Device, LogFormat, LogLevel, Mode

_POSTGRES = re.compile(r"postgres(ql)?://")
Positive = Annotated[int, Field(gt=0)]


def _key(variable: str, description: str) -> Any:
    return Field(SecretStr(""), validation_alias=variable, description=description)


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
    openai_api_key: SecretStr = _key(
        "OPENAI_API_KEY", "Key of OpenAI, and of https servers elsewhere that have no other."
    )
    mistral_api_key: SecretStr = _key("MISTRAL_API_KEY", "Key of Mistral, sent to it alone.")
    deepseek_api_key: SecretStr = _key("DEEPSEEK_API_KEY", "Key of DeepSeek, sent to it alone.")
    groq_api_key: SecretStr = _key("GROQ_API_KEY", "Key of Groq, sent to it alone.")
    openrouter_api_key: SecretStr = _key(
        "OPENROUTER_API_KEY", "Key of OpenRouter, sent to it alone."
    )
    azure_openai_endpoint: str = Field(
        "",
        validation_alias="AZURE_OPENAI_ENDPOINT",
        description="Address of your resource of Azure OpenAI, which must begin with `https://`.",
    )
    azure_openai_api_key: SecretStr = _key(
        "AZURE_OPENAI_API_KEY", "Its key, sent to that address alone."
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

    turns_per_minute: int = Field(
        60, ge=0, description="Most questions a person may ask in a minute; 0 for any number."
    )
    turns_at_once: Positive = Field(
        3, description="Questions of one person that are answered at the same time; more wait."
    )

    shutdown_s: float = Field(
        20,
        ge=0,
        description="Longest that answers under way go on when the program is told to end.",
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
    index: SecretStr = Field(
        SecretStr(""),
        description="What searches the library: `memory`, `tantivy` (on disk), or a cluster at "
        f"`{FORM}`; unset, or `auto`: memory, and the disk for large ones.",
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

    # people
    login: Login = Field(
        "none",
        description="How people log in: `none`, `password` (of `python -m rag people add NAME`), "
        "`header` (a proxy in front says who it is) or `oauth`.",
    )
    login_header: str = Field(
        "X-Forwarded-User",
        min_length=1,
        description="Header in which the proxy names the person, for `RAG_LOGIN=header`.",
    )
    login_proxies: str = Field(
        "127.0.0.1, ::1",
        description="Addresses or networks of proxies whose header is believed, with commas "
        "between.",
    )
    login_allow: str = Field(
        "",
        description="Who of an OAuth provider may log in, as `provider:name` with commas between, "
        "`github:ann, google:*@example.org` for example; `*` lets in everyone it knows.",
    )
    auth_secret: SecretStr = _key(
        "CHAINLIT_AUTH_SECRET",
        "Signs login cookies; unset: made once and kept in the data folder.",
    )
    history: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Keep chats: `auto` does so with a login, and for the one person of a page "
        "that only this machine can reach.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="Where chats are kept: `postgresql://user:password@host/name`; unset: in a "
        "file in the data folder.",
    )

    # operations
    log_level: LogLevel = Field(
        "warning", description="`error`, `warning`, `info` (a line for each turn) or `debug`."
    )
    log_format: LogFormat = Field(
        "text", description="`text`, or `json`: one JSON object a line, on stderr."
    )
    otlp_endpoint: str = Field(
        "",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Address of an OpenTelemetry collector (HTTP) that is sent each turn's stages.",
    )

    # the page and the API
    api_key: SecretStr = _key(
        "RAG_API_KEY",
        "Key that programs send to the API; unset: only programs of this machine are answered.",
    )
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

    @field_validator("*")
    @classmethod
    def _sendable(cls, value: object) -> object:
        """Of keys: what a header can hold, without the line end that came with a pasted one."""
        if not isinstance(value, SecretStr):
            return value
        key = value.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("keys are printable and have no spaces")
        return SecretStr(key)

    @field_validator("login_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for one in words_of(value):
            ip_network(one, strict=False)
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _POSTGRES.match(value.get_secret_value()):
            raise ValueError("an address begins with postgresql://")
        return value

    @field_validator("index")
    @classmethod
    def _engine(cls, value: SecretStr) -> SecretStr:
        engine = value.get_secret_value()
        if engine not in {"", "auto", "memory", "tantivy"}:
            cluster_address(engine)
        return value

    @property
    def keys(self) -> dict[str, str]:
        """By variable."""
        return {
            variable_of(name, field): value.get_secret_value()
            for name, field in type(self).model_fields.items()
            if isinstance(value := getattr(self, name), SecretStr)
        }

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
