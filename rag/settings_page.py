"""``docs/settings.md``: the settings class in, its page out."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from rag.settings import Settings, variable_of


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
`CHAINLIT_HOST`, opens it to the network: then anyone who reaches the port can ask and read, unless
people have to log in ([People and history](people.md)).
"""


def main(arguments: list[str]) -> int:
    """``[--check] FILE``: write the page, or say whether it is in step with this class."""
    path = Path(arguments[-1])
    if arguments[0] != "--check":
        path.write_text(as_markdown(), encoding="utf-8", newline="\n")
        return 0
    in_step = path.exists() and path.read_text(encoding="utf-8") == as_markdown()
    if not in_step:
        print(f"{path} is out of step: run `python -m rag.settings_page {path}`.", file=sys.stderr)
    return 0 if in_step else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
