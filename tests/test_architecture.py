"""Imports point down only, and foreign libraries stay in their rooms (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "rag").rglob("*.py") if path.name != "__init__.py")

BOTTOM = {"types", "errors", "tokens", "tracing", "language", "encoding"}
STAGES = {"documents", "retrieval", "models", "people"}
MIDDLE = {"answering", "measuring"}
ROOT_OF_ALL = {
    *("workspace", "roster", "resolving", "indexing", "folder", "doctor", "machine"),
    *("examining", "belongings"),
    *("logs", "ending", "recording", "turnstile"),
    *("settings", "settings_page", "troubleshooting"),
}
ALLOWED = {
    **dict.fromkeys(BOTTOM, BOTTOM),
    **{stage: BOTTOM | {stage} for stage in STAGES},
    **dict.fromkeys(MIDDLE, BOTTOM | STAGES | MIDDLE),
    **dict.fromkeys(ROOT_OF_ALL, BOTTOM | STAGES | MIDDLE | ROOT_OF_ALL),
    **{
        front_end: BOTTOM | STAGES | MIDDLE | ROOT_OF_ALL | {front_end}
        for front_end in ("page", "commands", "api", "webgpu")
    },
    "cli": {"errors"},  # it loads a command's module by name
    "__main__": {"cli"},
    "settings": BOTTOM | {"people", "retrieval"},
}
ENGINES = {
    "foundry_local_sdk",
    "openai",
    "opensearchpy",
    "rank_bm25",
    "tantivy",
    "openvino",
    "openvino_genai",
    "pypdf",
}
FRONT_ENDS = [
    ROOT / "app.py",
    *(ROOT / "handlers").glob("*.py"),
    *(
        path
        for path in MODULES
        if path.relative_to(ROOT).parts[1] in {"page", "commands", "api", "webgpu", "cli.py"}
    ),
]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("rag.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_when_a_module_is_in_a_room(path: Path) -> None:
    room = path.relative_to(ROOT / "rag").parts[0].removesuffix(".py")
    assert rooms(path) <= ALLOWED[room]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_chainlit_is_unknown_when_inside_rag(path: Path) -> None:
    assert not any(name.split(".")[0] == "chainlit" for name in imports(path))


@pytest.mark.parametrize("path", FRONT_ENDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_engine_is_imported_when_a_module_is_a_front_end(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & ENGINES


def test_foundry_locals_runtime_is_imported_in_one_place_when_it_is_used() -> None:
    users = [
        path.relative_to(ROOT / "rag").as_posix()
        for path in MODULES
        if any(name.split(".")[0] == "foundry_local_sdk" for name in imports(path))
    ]
    assert users == ["models/foundry/sdk.py"]


def test_the_environment_is_read_in_one_place_when_settings_are_needed() -> None:
    readers = [
        path.name
        for path in MODULES
        if {name for name in imports(path) if name in {"os.environ", "os.getenv"}}
        or "os.environ" in path.read_text()
    ]
    assert readers == []
