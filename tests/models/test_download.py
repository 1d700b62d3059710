from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from scripted_mirror import Manner, ScriptedMirror

from rag.errors import DiskFull, DownloadFailed, HashMismatch
from rag.models import disk
from rag.models.download import HttpMirror, PartFile

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes: several chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedMirror]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ScriptedMirror(CONTENT).running() as running:
        yield running


def part_in(folder: Path, there: bytes = b"") -> PartFile:
    path = folder / "model.part"
    path.write_bytes(there)
    return PartFile(path, len(CONTENT), SHA256, lambda done: None)


def fetch_from(mirror: ScriptedMirror, part: PartFile) -> None:
    HttpMirror(mirror.url, pauses_s=(0, 0)).append(part, threading.Event())


def test_the_file_is_complete_when_the_mirror_is_well(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    part = part_in(tmp_path)
    fetch_from(mirror, part)
    part.check()
    assert part.path.read_bytes() == CONTENT
    assert mirror.ranges_asked == [None]


def test_only_the_rest_is_asked_for_when_a_beginning_is_there(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    part = part_in(tmp_path, CONTENT[:1000])
    fetch_from(mirror, part)
    part.check()
    assert mirror.ranges_asked == ["bytes=1000-"]


def test_nothing_is_asked_for_when_all_is_there(mirror: ScriptedMirror, tmp_path: Path) -> None:
    part = part_in(tmp_path, CONTENT)
    fetch_from(mirror, part)
    part.check()
    assert mirror.ranges_asked == []


@pytest.mark.parametrize("sized", [True, False])
def test_it_goes_on_where_it_was_when_the_connection_is_cut(
    mirror: ScriptedMirror, tmp_path: Path, sized: bool
) -> None:
    mirror.manners = [Manner(cut_after=700_000, sized=sized), Manner(cut_after=100_000)]
    part = part_in(tmp_path)
    fetch_from(mirror, part)
    part.check()
    first, *rest = mirror.ranges_asked
    assert first is None
    assert len(rest) == 2
    assert all(asked is not None for asked in rest)


def test_all_is_taken_again_when_the_mirror_knows_no_ranges(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(ranges=False)]
    part = part_in(tmp_path, b"x" * 500)
    fetch_from(mirror, part)
    part.check()
    assert part.path.read_bytes() == CONTENT


def test_it_fails_when_another_range_is_sent_than_asked_for(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(shifted=True)] * 3
    part = part_in(tmp_path, CONTENT[:1000])
    with pytest.raises(DownloadFailed, match="broke off several times"):
        fetch_from(mirror, part)
    assert part.path.read_bytes() == CONTENT[:1000]


def test_it_tries_again_when_the_server_is_overloaded(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(status=503), Manner(status=429)]
    part = part_in(tmp_path)
    fetch_from(mirror, part)
    part.check()


def test_it_gives_up_at_once_when_the_file_is_not_there(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(status=404)]
    with pytest.raises(DownloadFailed, match=r"^The model hub answered with status 404\.$"):
        fetch_from(mirror, part_in(tmp_path))
    assert len(mirror.ranges_asked) == 1


def test_it_gives_up_when_every_attempt_brings_nothing(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(cut_after=0)] * 5
    with pytest.raises(DownloadFailed, match="broke off several times"):
        fetch_from(mirror, part_in(tmp_path))
    assert len(mirror.ranges_asked) == 3


def test_it_gives_up_at_once_when_nobody_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/model.gguf"
        with pytest.raises(DownloadFailed, match=r"^The model hub could not be reached\.$"):
            HttpMirror(url, pauses_s=(3600,)).append(part_in(tmp_path), threading.Event())


def test_it_gives_up_when_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model.gguf"
        with pytest.raises(DownloadFailed, match=r"^The model hub could not be reached\.$"):
            HttpMirror(url, contact_timeout_s=0.1).append(part_in(tmp_path), threading.Event())


def test_it_says_so_when_the_proxy_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://127.0.0.1:1")
    with pytest.raises(DownloadFailed, match="proxy"):
        HttpMirror("http://example.invalid/").append(part_in(tmp_path), threading.Event())


def test_nothing_is_taken_when_the_size_is_wrong(mirror: ScriptedMirror, tmp_path: Path) -> None:
    mirror.manners = [Manner(body=b"<html>Please sign in</html>")]
    part = part_in(tmp_path)
    with pytest.raises(HashMismatch):
        fetch_from(mirror, part)
    assert part.written == 0


def test_it_ends_when_more_is_sent_than_the_file_holds(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    mirror.manners = [Manner(body=CONTENT + b"x", sized=False)]
    with pytest.raises(HashMismatch):
        fetch_from(mirror, part_in(tmp_path))


def test_the_hash_is_of_all_bytes_when_they_came_in_parts(tmp_path: Path) -> None:
    part = part_in(tmp_path, CONTENT[:10])
    part.write(CONTENT[10:500])
    part.keep(300)
    assert (part.written, part.path.stat().st_size) == (300, 300)
    part.write(CONTENT[300:])
    part.check()


def test_the_check_fails_when_one_byte_is_wrong(tmp_path: Path) -> None:
    part = part_in(tmp_path, b"\xff" + CONTENT[1:])
    assert part.is_complete
    with pytest.raises(HashMismatch):
        part.check()


def test_the_check_fails_when_bytes_are_missing(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch):
        part_in(tmp_path, CONTENT[:-1]).check()


def test_what_came_is_kept_when_the_listener_stops_it(
    mirror: ScriptedMirror, tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    def listener(done: int) -> None:
        if done > 400_000:
            raise Enough

    part = PartFile(tmp_path / "model.part", len(CONTENT), SHA256, listener)
    with pytest.raises(Enough):
        fetch_from(mirror, part)
    kept = part_in_place(tmp_path)
    assert 400_000 < kept.written < len(CONTENT)
    fetch_from(mirror, kept)
    kept.check()


def part_in_place(folder: Path) -> PartFile:
    return PartFile(folder / "model.part", len(CONTENT), SHA256, lambda done: None)


@pytest.mark.parametrize(("there", "needed"), [(b"", "0.00128"), (CONTENT[:512_000], "0.00064")])
def test_it_names_the_room_for_the_rest_when_the_disk_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bytes, needed: str
) -> None:
    free = SimpleNamespace(free=int(float(needed) * 1e9) - 1)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: free)
    with pytest.raises(DiskFull, match=r"0\.00 GB are needed .* 0\.00 GB are free"):
        part_in(tmp_path, there)


def test_there_is_room_when_it_just_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_280_000))
    assert part_in(tmp_path).written == 0
