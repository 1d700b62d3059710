"""The folder of models for browsers: filled, refused, emptied."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from models.browser import tiny

from rag.errors import DiskFull, DownloadFailed, HashMismatch, WeightsError
from rag.models import disk
from rag.models.browser import prepare as room
from rag.models.browser.catalogue import BROWSER_MODELS, BrowserFile, BrowserModel
from rag.models.browser.making import AsQ8
from rag.models.browser.prepare import is_prepared, located, prepare, remove
from rag.models.catalogue import Weights
from rag.models.weights import Progress

MADE = AsQ8("tiny-q8_0.gguf")


def nothing(_progress: Progress) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """It has the file that the model is made of."""
    (tmp_path / "models").mkdir()
    tiny.write(tmp_path / "models" / "tiny.gguf")
    return tmp_path / "models"


@pytest.fixture
def model(folder: Path, tmp_path: Path) -> BrowserModel:
    gguf = folder / "tiny.gguf"
    list(MADE.make(gguf, tmp_path))
    weights = Weights(
        name="tiny",
        title="Tiny",
        tier=None,
        licence="MIT",
        size_bytes=gguf.stat().st_size,
        sha256=hashlib.sha256(gguf.read_bytes()).hexdigest(),
        context_tokens=256,
        best_passages=None,
        mirrors=(),
    )
    content = (tmp_path / MADE.file).read_bytes()
    file = BrowserFile(MADE.file, len(content), hashlib.sha256(content).hexdigest())
    return BrowserModel(
        "tiny-q8_0", "Tiny", "wllama", "q8_0", (), 1_000_000, (file,), weights, MADE
    )


def test_the_file_is_where_it_is_looked_for_when_it_was_prepared(
    model: BrowserModel, folder: Path
) -> None:
    assert not is_prepared(model, folder)
    told: list[Progress] = []
    prepare(model, folder, told.append)
    assert is_prepared(model, folder)
    assert located(model, MADE.file, folder) == folder / "browser" / "tiny-q8_0" / MADE.file
    assert (told[-1].stage, told[-1].done) == ("convert", told[-1].total)


def test_nothing_is_done_when_a_model_is_prepared_already(
    model: BrowserModel, folder: Path
) -> None:
    prepare(model, folder, nothing)
    (folder / "tiny.gguf").unlink()
    prepare(model, folder, nothing)
    assert is_prepared(model, folder)


def test_nothing_is_kept_when_what_was_made_has_another_hash(
    model: BrowserModel, folder: Path
) -> None:
    other = replace(model, files=(replace(model.files[0], sha256="0" * 64),))
    with pytest.raises(HashMismatch, match="did not come out as it was checked"):
        prepare(other, folder, nothing)
    assert not is_prepared(other, folder)
    assert [path.name for path in (folder / "browser").iterdir()] == ["tiny-q8_0.lock"]


def test_nothing_is_left_when_preparing_is_stopped(model: BrowserModel, folder: Path) -> None:
    stop = threading.Event()
    with pytest.raises(WeightsError, match="was stopped"):
        prepare(model, folder, lambda told: stop.set() if told.stage == "convert" else None, stop)
    assert not is_prepared(model, folder)
    assert not list((folder / "browser").glob("*.unfinished"))


def test_it_is_prepared_when_an_earlier_run_was_killed_halfway(
    model: BrowserModel, folder: Path
) -> None:
    left = folder / "browser" / "tiny-q8_0.unfinished"
    left.mkdir(parents=True)
    (left / MADE.file).write_bytes(b"half")
    prepare(model, folder, nothing)
    assert is_prepared(model, folder)
    assert not left.exists()


def test_the_disk_is_said_to_be_full_when_there_is_no_room(
    model: BrowserModel, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = disk.shutil.disk_usage(folder)._replace(free=10)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(DiskFull, match="The disk is full"):
        prepare(model, folder, nothing)


def test_the_fetched_file_itself_is_served_when_nothing_has_to_be_made(
    model: BrowserModel, folder: Path
) -> None:
    gguf = folder / "tiny.gguf"
    file = BrowserFile("tiny-q4.gguf", gguf.stat().st_size, model.source.sha256)
    plain = replace(model, files=(file,), recipe=None)
    assert located(plain, "tiny-q4.gguf", folder) == gguf
    gguf.write_bytes(b"short")
    assert located(plain, "tiny-q4.gguf", folder) is None


@pytest.mark.parametrize("path", ["other.gguf", "../tiny.gguf", "", "browser"])
def test_no_other_file_is_found_when_a_path_is_not_the_models(
    model: BrowserModel, folder: Path, path: str
) -> None:
    prepare(model, folder, nothing)
    assert located(model, path, folder) is None


def test_only_what_was_made_is_gone_when_a_model_is_removed(
    model: BrowserModel, folder: Path
) -> None:
    prepare(model, folder, nothing)
    assert remove(model, folder) == model.size_bytes
    assert remove(model, folder) == 0
    assert not is_prepared(model, folder)
    assert (folder / "tiny.gguf").exists()


def test_the_source_is_not_had_when_no_mirror_answers(model: BrowserModel, tmp_path: Path) -> None:
    class Down:
        name = "nobody"

        def append(self, _part: object, _stop: threading.Event) -> None:
            raise DownloadFailed("Nobody could be reached.")

    source = replace(model.source, mirrors=(Down(),))
    with pytest.raises(DownloadFailed, match="Nobody could be reached"):
        prepare(replace(model, source=source), tmp_path / "empty", nothing)


# --- the list itself


@pytest.mark.parametrize("model", BROWSER_MODELS.values(), ids=lambda one: one.name)
def test_an_entry_is_whole_when_it_is_in_the_list(model: BrowserModel) -> None:
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in model.files)
    assert model.size_bytes < model.memory_bytes
    assert len({file.path for file in model.files}) == len(model.files)
    is_one_file = model.engine == "wllama"
    assert [file.path.endswith(".gguf") for file in model.files] == (
        [True] if is_one_file else [False] * 6
    )
    assert bool(model.hub_urls) is (model.recipe is None)


def test_the_smallest_model_is_as_it_was_pinned_when_it_is_made_here(
    request: pytest.FixtureRequest,
) -> None:
    """The real one: what another machine makes of the same file has the same bytes."""
    models = request.config.cache.mkdir("models")
    prepare(BROWSER_MODELS["smollm2-135m-q8_0"], models, nothing)
    assert room.is_prepared(BROWSER_MODELS["smollm2-135m-q8_0"], models)
