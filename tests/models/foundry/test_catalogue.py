"""The catalogue through the real runtime: what it lists, fetches, forgets and says offline.

The catalogue is scripted, on this machine. Where a model's files come from is fixed in the runtime,
so a fetch that succeeds is of a model that has been placed beforehand.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from scripted_catalogue import ScriptedCatalogue, entry

from rag.errors import DiskFull, DownloadFailed, ModelNotFound, SettingsError, WeightsError
from rag.models.embedded.served import Status
from rag.models.foundry import catalogue as module
from rag.models.foundry import child, source
from rag.models.foundry.catalogue import listed, pull, register
from rag.models.foundry.model import FoundryModel
from rag.models.foundry.offers import Offered, Provider, Variant, remembered
from rag.models.foundry.source import Pulled, fitting
from rag.models.weights import Progress
from rag.types import GenerationOptions, Message, Reply

ROOT = Path(__file__).parents[3]
MIB = 2**20


def ignore(progress: Progress) -> None:
    pass


@pytest.fixture
def offline() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/asset-gallery/v1.0/models"


# --- what there is


def test_models_are_listed_with_sizes_and_licences_when_the_catalogue_answers(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    found = listed(tmp_path, catalogue_url=catalogue.url)
    assert found.sentence == ""
    assert {one.alias for one in found.models} == {"tiny", "far"}  # ears cannot chat
    tiny = next(one for one in found.models if one.alias == "tiny")
    assert (tiny.title, tiny.publisher, tiny.licence) == ("Tiny", "Example", "MIT")
    assert tiny.context_tokens == 2048
    gpu = Variant("Tiny-gpu:1", "gpu", "CUDAExecutionProvider", 12 * MIB, is_pulled=False)
    cpu = Variant("Tiny-cpu:1", "cpu", "CPUExecutionProvider", 16 * MIB, is_pulled=False)
    assert set(tiny.variants) == {gpu, cpu}
    assert (tiny.variant("cpu"), tiny.variant("gpu"), tiny.variant("npu")) == (cpu, gpu, None)


def test_what_is_here_is_listed_with_a_sentence_when_there_is_no_network(
    catalogue: ScriptedCatalogue, placed: Path, tmp_path: Path, offline: str
) -> None:
    assert listed(tmp_path, catalogue_url=offline).models == ()
    pull("tiny", tmp_path, ignore, device="cpu", catalogue_url=catalogue.url)
    found = listed(tmp_path, catalogue_url=offline)
    assert [one.alias for one in found.models] == ["tiny"]
    assert found.models[0].variants[0].is_pulled
    assert found.sentence == (
        "The catalogue of Foundry Local cannot be reached: check the network. Models that were "
        "fetched before can be used without it."
    )


def test_listing_ends_when_the_catalogue_takes_connections_and_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/asset-gallery/v1.0/models"
        assert "cannot be reached" in listed(tmp_path, catalogue_url=url).sentence


def test_it_is_told_when_the_catalogue_answers_with_nothing(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    catalogue.entries = []
    assert "no answer that can be used" in listed(tmp_path, catalogue_url=catalogue.url).sentence
    assert remembered(tmp_path) == ()


def test_the_last_list_is_remembered_when_it_had_models(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    models = listed(tmp_path, catalogue_url=catalogue.url).models
    assert remembered(tmp_path) == models
    (tmp_path / "foundry" / "catalogue.json").write_text("[{}]")
    assert remembered(tmp_path) == ()


def test_install_is_asked_for_when_the_runtime_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "foundry_local_sdk", None)
    with pytest.raises(SettingsError, match=r"requirements-foundry\.txt"):
        listed(tmp_path)
    with pytest.raises(SettingsError, match=r"requirements-foundry\.txt"):
        pull("phi-4-mini", tmp_path, ignore)


# --- fetching


@pytest.mark.anyio
async def test_model_answers_when_it_is_of_the_catalogue(
    catalogue: ScriptedCatalogue, placed: Path, tmp_path: Path, offline: str
) -> None:
    told: list[Status] = []
    model = FoundryModel("tiny", tmp_path, on_status=told.append, catalogue_url=catalogue.url)
    question = (Message("user", "Hello?"),)
    *_, reply = [event async for event in model.stream(question, GenerationOptions(max_tokens=5))]
    assert isinstance(reply, Reply)
    assert (reply.model, reply.completion_tokens) == ("tiny", 5)
    assert model.capabilities.context_tokens == 2048
    assert told[0] == Status("download", "Fetching tiny: 17 of 17 MB.", 16 * MIB, 16 * MIB)
    await model.aclose()
    asked = catalogue.asked
    # Now it is known where it is, and nobody is asked any more.
    again = FoundryModel("tiny", tmp_path, catalogue_url=offline)
    await again.ready()
    await again.aclose()
    assert catalogue.asked == asked


def test_model_is_forgotten_when_it_is_removed(
    catalogue: ScriptedCatalogue, placed: Path, tmp_path: Path
) -> None:
    model = pull("tiny", tmp_path, ignore, catalogue_url=catalogue.url)
    assert (model.device, model.licence, model.folder) == ("cpu", "MIT", placed)
    assert [one.alias for one in source.pulled(tmp_path)] == ["tiny"]
    assert source.remove("tiny", tmp_path) > 16_000_000
    assert not placed.exists()
    assert source.noted(tmp_path) == ()
    assert source.remove("tiny", tmp_path) == 0


def test_fetching_fails_with_a_sentence_when_its_files_cannot_be_had(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    # On a machine with a network the store of models does not know it; on one without it is silent.
    with pytest.raises(DownloadFailed, match=r"far could not be fetched: .* is kept"):
        pull("far", tmp_path, ignore, catalogue_url=catalogue.url)
    assert source.pulled(tmp_path) == ()
    assert [one.alias for one in source.noted(tmp_path)] == ["far"]
    source.remove("far", tmp_path)
    assert source.noted(tmp_path) == ()


def test_fetching_fails_at_once_when_there_is_no_network(tmp_path: Path, offline: str) -> None:
    with pytest.raises(DownloadFailed, match=r"phi-4-mini could not be fetched\. The catalogue"):
        pull("phi-4-mini", tmp_path, ignore, catalogue_url=offline)


def test_alias_is_refused_when_the_catalogue_does_not_have_it(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFound, match="no model “gpt-9”"):
        pull("gpt-9", tmp_path, ignore, catalogue_url=catalogue.url)


def test_device_is_refused_when_the_model_is_not_made_for_it(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="tiny is not made for the npu, only for: cpu, gpu"):
        pull("tiny", tmp_path, ignore, device="npu", catalogue_url=catalogue.url)


def test_nothing_is_fetched_when_the_disk_has_no_room(
    catalogue: ScriptedCatalogue, tmp_path: Path
) -> None:
    catalogue.entries = [entry("Huge-cpu", "huge", "cpu", 2**50)]
    with pytest.raises(DiskFull):
        pull("huge", tmp_path, ignore, catalogue_url=catalogue.url)


# --- ended at any moment


def scripted(monkeypatch: pytest.MonkeyPatch, program: str) -> list[psutil.Process]:
    """A child that runs ``program`` in place of the runtime's library; and all there have been."""
    started: list[psutil.Process] = []
    popen = subprocess.Popen

    def run(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        process = popen([sys.executable, "-c", program], **options)
        started.append(psutil.Process(process.pid))
        return process

    monkeypatch.setattr(child.subprocess, "Popen", run)
    return started


SLOW = """
import json, time
def tell(event, **told): print(json.dumps({"event": event, **told}), flush=True)
tell("chosen", alias="slow", id="Slow:1", device="cpu", execution_provider="", licence="MIT",
     size_mb=100, root="%s", hints=[["context_length", 4096]])
tell("provider", name="CUDA", percent=50.0)
for percent in range(3):
    tell("progress", percent=float(percent))
time.sleep(600)
"""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[psutil.Process]:
    monkeypatch.setattr(module, "_is_reachable", lambda url: True)
    return scripted(monkeypatch, SLOW % tmp_path.as_posix())


def test_child_is_gone_when_fetching_is_stopped(slow: list[psutil.Process], tmp_path: Path) -> None:
    stop, told = threading.Event(), list[Progress]()

    def on_progress(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 4:
            stop.set()

    with pytest.raises(WeightsError, match="Fetching slow was stopped; what has come is kept"):
        pull("slow", tmp_path, on_progress, stop)
    assert not slow[0].is_running()
    size = 100 * MIB
    assert told == [
        Progress("download", 50, 100, "steps"),
        *(Progress("download", size * percent // 100, size, "bytes") for percent in range(3)),
    ]


def test_child_is_gone_when_the_one_who_is_told_raises(
    slow: list[psutil.Process], tmp_path: Path
) -> None:
    def on_progress(progress: Progress) -> None:
        raise WeightsError("Enough.")

    with pytest.raises(WeightsError, match="Enough"):
        pull("slow", tmp_path, on_progress)
    assert not slow[0].is_running()


def test_child_is_gone_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = scripted(monkeypatch, "import time; time.sleep(600)")
    assert list(child.events(["list"], limit_s=0.1)) == []
    assert not started[0].is_running()


def test_real_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, subprocess; p = subprocess.Popen([sys.executable, '-c', 'import time, "
        "rag.models.foundry.cataloguing as c; c._end_with_parent(); print(1, flush=True); "
        "time.sleep(600)'], stdin=subprocess.PIPE, stdout=subprocess.PIPE); "
        "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        grandchild = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    deadline = time.monotonic() + 60
    while grandchild.is_running() and time.monotonic() < deadline:
        if grandchild.status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


# --- execution providers


def test_providers_are_listed_when_registration_is_asked_for(tmp_path: Path) -> None:
    before = listed(tmp_path, catalogue_url="http://127.0.0.1:9/asset-gallery/v1.0/models")
    assert all(isinstance(one.name, str) for one in before.providers)
    if not before.providers:  # a machine with a CPU alone has nothing to fetch
        assert register([], tmp_path, ignore) == ()


def test_registration_is_told_when_it_goes_on_and_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = (
        "import json; print(json.dumps({'event': 'provider', 'name': 'CUDA', 'percent': 40.0})); "
        "print(json.dumps({'event': 'done', 'providers': [{'name': 'CUDA', "
        "'is_registered': True}]}))"
    )
    scripted(monkeypatch, program)
    told: list[Progress] = []
    assert register(["CUDA"], tmp_path, told.append) == (Provider("CUDA", True),)
    assert told == [Progress("download", 40, 100, "steps")]


def test_registration_fails_with_a_sentence_when_the_child_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripted(monkeypatch, "raise SystemExit(1)")
    with pytest.raises(DownloadFailed, match="RAG_FOUNDRY_EP=cpu"):
        register([], tmp_path, ignore)


# --- which variant


@pytest.fixture
def variants(tmp_path: Path) -> tuple[Pulled, ...]:
    cpu = Pulled("phi", "phi-cpu:1", "cpu", "CPUExecutionProvider", "MIT", 1, tmp_path / "cpu")
    gpu = replace(cpu, id="phi-gpu:1", device="gpu", execution_provider="CUDAExecutionProvider")
    return cpu, gpu


def test_the_fastest_variant_is_served_when_no_device_is_set(variants: tuple[Pulled, ...]) -> None:
    cpu, gpu = variants
    assert fitting(variants, "phi", "auto") == gpu
    assert fitting(variants, "phi", "cpu") == cpu
    assert fitting(variants, "phi", "npu") is None
    assert fitting(variants, "other", "auto") is None
    assert source.of_pulled(cpu).providers == ()
    assert source.of_pulled(gpu).providers == ("CUDAExecutionProvider",)


def test_a_variant_on_this_machine_is_used_when_another_would_be_first() -> None:
    gpu = Variant("phi-gpu:1", "gpu", "CUDAExecutionProvider", 1, is_pulled=False)
    cpu = Variant("phi-cpu:1", "cpu", "CPUExecutionProvider", 1, is_pulled=True)
    offered = Offered("phi", "Phi", "Example", "MIT", 4096, (gpu, cpu))
    assert offered.variant("auto") == cpu
    assert offered.variant("gpu") == gpu


def test_notes_are_skipped_when_they_are_damaged(
    variants: tuple[Pulled, ...], tmp_path: Path
) -> None:
    source.note(tmp_path, replace(variants[0], hints=(("context_length", 4096),)))
    folder = tmp_path / "foundry" / "pulled"
    (folder / "broken.json").write_text("{")
    (folder / "other.json").write_text('{"alias": 1}')
    assert [one.hints for one in source.noted(tmp_path)] == [(("context_length", 4096),)]
    assert source.pulled(tmp_path) == ()  # it has no folder yet
