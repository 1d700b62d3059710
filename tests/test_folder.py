from __future__ import annotations

from pathlib import Path

import pytest

from rag.folder import Difference, Unwanted, difference, digest, digests, files

SUFFIXES = {".md", ".txt"}


def written(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name, encoding="utf-8")
    return paths


def test_nothing_is_found_when_the_folder_is_empty_or_missing(tmp_path: Path) -> None:
    assert files(tmp_path, SUFFIXES) == []
    assert files(tmp_path / "missing", SUFFIXES) == []


def test_documents_are_found_when_they_are_in_folders_below(tmp_path: Path) -> None:
    a, b, *_ = written(tmp_path, "A.MD", "sub/b.txt", "picture.png", ".hidden.md", ".git/c.md")
    assert files(tmp_path, SUFFIXES) == [a, b]


def test_the_walk_ends_when_a_folder_links_to_itself(tmp_path: Path) -> None:
    [kept] = written(tmp_path, "kept.md")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert files(tmp_path, SUFFIXES) == [kept]


@pytest.mark.parametrize("pattern", ["drafts", "drafts/", "drafts/*", "# x\n\ndrafts"])
def test_a_folder_is_left_out_when_ragignore_names_it(tmp_path: Path, pattern: str) -> None:
    kept, *_ = written(tmp_path, "kept.md", "drafts/a.md", "drafts/deep/b.md")
    (tmp_path / ".ragignore").write_text(pattern, encoding="utf-8")
    assert files(tmp_path, SUFFIXES) == [kept]


def test_files_are_left_out_when_a_pattern_matches(tmp_path: Path) -> None:
    kept, *_ = written(tmp_path, "kept.md", "notes.txt")
    (tmp_path / ".ragignore").write_text("*.txt\n", encoding="utf-8")
    assert files(tmp_path, SUFFIXES) == [kept]


def test_the_id_is_the_hash_of_the_bytes_when_a_file_is_digested(tmp_path: Path) -> None:
    path = tmp_path / "abc.txt"
    path.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(path) == expected
    assert digests([path, tmp_path / "gone.txt"]) == {path: expected}


FOLDER = Path("/docs")
A, B = FOLDER / "a.md", FOLDER / "b.md"


@pytest.mark.parametrize(
    ("on_disk", "held", "expected"),
    [
        pytest.param({}, {}, Difference((), ()), id="both empty"),
        pytest.param({A: "1"}, {}, Difference((A,), ()), id="new file"),
        pytest.param({A: "1"}, {"1": A}, Difference((), ()), id="unchanged"),
        pytest.param({A: "2"}, {"1": A}, Difference((A,), ("1",)), id="changed"),
        pytest.param({}, {"1": A}, Difference((), ("1",)), id="deleted"),
        pytest.param({B: "1"}, {"1": A}, Difference((B,), ("1",)), id="renamed"),
        pytest.param({A: "1", B: "1"}, {"1": A}, Difference((), ()), id="copied"),
        pytest.param({}, {"1": Path("/other/a.md")}, Difference((), ()), id="from elsewhere"),
        pytest.param({A: "1"}, {"1": Path("/other/a.md")}, Difference((), ()), id="held already"),
        pytest.param({}, {"1": None}, Difference((), ()), id="uploaded"),
        pytest.param({A: "9"}, {}, Difference((), ()), id="forgotten"),
    ],
)
def test_a_library_follows_when_its_folder_differs(
    on_disk: dict[Path, str], held: dict[str, Path | None], expected: Difference
) -> None:
    assert difference(FOLDER, on_disk, held, unwanted={"9"}) == expected


def test_ids_are_kept_when_they_are_unwanted(tmp_path: Path) -> None:
    unwanted = Unwanted(tmp_path / "forgotten.txt")
    assert unwanted.ids() == frozenset()
    unwanted.add("2")
    unwanted.add("1")
    unwanted.add("2")
    assert Unwanted(tmp_path / "forgotten.txt").ids() == {"1", "2"}
    unwanted.discard("2")
    unwanted.discard("3")
    assert unwanted.ids() == {"1"}
