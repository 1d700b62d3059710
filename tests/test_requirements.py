"""The pins: complete, exact, and wheels on every platform we name (asked of the package index)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKED = sorted((ROOT / "wheels").glob("*.whl"))  # published as source alone
DEVELOPMENT = {"scikit-learn"}  # of `calibrate`, which says so when it is missing

# What pip and the markers are told of a machine that is not this one.
PLATFORMS = {
    "linux": (
        ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64"],
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    ),
    "windows": (
        ["win_amd64"],
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    ),
    "macos": (
        ["macosx_14_0_arm64"],
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    ),
}


def pins(name: str = "requirements.txt") -> list[Requirement]:
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("-", "#"))]


def is_universal(name: str) -> bool:
    """Is the one wheel installed here good for every machine?"""
    try:
        tags = distribution(name).read_text("WHEEL") or ""
    except PackageNotFoundError:
        return False
    return bool(re.search(r"^Tag: py3-none-any$", tags, re.MULTILINE))


@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_wheel_is_found_when_the_target_is(platform: str, python: str, tmp_path: Path) -> None:
    tags, markers = PLATFORMS[platform]
    versions = {"python_version": python, "python_full_version": f"{python}.0"}
    target = {**default_environment(), **markers, **versions}
    wanted = [
        f"{pin.name}{pin.specifier}"
        for pin in [*pins(), *pins("requirements-foundry.txt")]
        if (pin.marker is None or pin.marker.evaluate(target)) and not is_universal(pin.name)
    ]
    assert len(wanted) > 20
    (tmp_path / "pins.txt").write_text("\n".join(wanted))
    options = ["--dry-run", "--no-deps", "--only-binary=:all:", "--python-version", python]
    options += ["--find-links", str(ROOT / "wheels")]
    platforms = [option for tag in tags for option in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options, *platforms]
    command += ["--target", str(tmp_path / "target"), "--requirement", str(tmp_path / "pins.txt")]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("wheel", PACKED, ids=lambda path: path.name.split("-")[0])
def test_a_wheel_we_packed_holds_what_was_published_when_compared(
    wheel: Path, tmp_path: Path
) -> None:
    name, version, *_ = wheel.name.split("-")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    command += [f"--dest={tmp_path}", f"{name}=={version}"]
    subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as source, zipfile.ZipFile(wheel) as packed:
        ours = {path: packed.read(path) for path in packed.namelist() if ".dist-info/" not in path}
        theirs = {path: source.extractfile(f"{name}-{version}/{path}") for path in ours}
        assert ours == {path: file.read() if file else None for path, file in theirs.items()}
    assert wheel.name.endswith("-none-any.whl")
    assert any(path.endswith(".py") for path in ours)


def test_nothing_is_built_when_pip_installs() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    options = [line for line in lines if "--" in line]
    assert options == ["--only-binary :all:", "--find-links wheels"]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-foundry.txt", "requirements-dev.txt"]
)
def test_every_line_is_an_exact_pin_when_compiled(name: str) -> None:
    assert all(re.fullmatch(r"==[^*,]+", str(pin.specifier)) for pin in pins(name))
    assert "://" not in (ROOT / name).read_text()


@pytest.mark.parametrize("name", ["requirements-foundry.txt", "requirements-dev.txt"])
def test_pins_agree_when_both_files_name_a_package(name: str) -> None:
    runtime = {canonicalize_name(pin.name): pin.specifier for pin in pins()}
    dev = {canonicalize_name(pin.name): pin.specifier for pin in pins(name)}
    assert {name: dev[name] for name in dev.keys() & runtime.keys()} == {
        name: runtime[name] for name in dev.keys() & runtime.keys()
    }


def test_the_optional_runtime_is_tested_when_everything_for_tests_is_installed() -> None:
    included = [
        (ROOT / name).read_text().splitlines()[0]
        for name in ("requirements-dev.txt", "requirements-foundry.txt")
    ]
    assert included == ["-r requirements-foundry.txt", "-r requirements.txt"]


def test_every_import_is_a_direct_requirement_when_it_is_not_ours() -> None:
    direct = {canonicalize_name(pin.name) for pin in pins("requirements.in")}
    direct |= {canonicalize_name(pin.name) for pin in pins("requirements-foundry.in")}
    direct |= DEVELOPMENT & {canonicalize_name(pin.name) for pin in pins("requirements-dev.in")}
    providers = packages_distributions()
    ours = {"rag", "handlers", *(path.stem for path in ROOT.glob("*.py"))}
    foreign = {
        name
        for folder in ("rag", "handlers", ".")
        for path in (ROOT / folder).glob("*.py" if folder == "." else "**/*.py")
        for name in top_level_imports(path)
        if name not in sys.stdlib_module_names and name not in ours
    }
    missing = {
        name
        for name in foreign
        if not {canonicalize_name(provider) for provider in providers.get(name, ())} & direct
    }
    assert missing == set()


def top_level_imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in plain | from_}
