from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openvino_genai
import psutil
import pytest

from rag.errors import DiskFull, WeightsError
from rag.models import disk
from rag.models.embedded import convert
from rag.models.embedded.convert import CONVERTER_VERSION, converted, is_converted, prepared
from rag.models.weights import WEIGHTS, Progress

NONSENSE = b"This is no model."

# What llama.cpp (llama-cpp-python 0.3.36, built from source) answers on the catalogue's
# SmolLM2-135M-Instruct.Q4_1.gguf: `Llama(path, n_ctx=1024)`, `tokenize(text, add_bos=False,
# special=True)`, then the first 24 tokens of `generate(tokens, temp=0, repeat_penalty=1)`, the end
# included. Of ten prompts these four: on the others this small model wavers between two words, and
# OpenVINO's own settings for speed already decide which comes first.
TURN = "<|im_start|>{}\n{}<|im_end|>\n"
PASSAGE = "Passage:\n{}\n\nQuestion: {}"
PEER = {
    "How many days does a week have?": "49 2605 553 216 39 2009 30 2",
    PASSAGE.format(
        "The Old Bridge was built of oak in 1874 and opened to carts on 3 May 1876. It burned down "
        "in 1921.",
        "In which year did the bridge open?",
    ): "504 5763 13480 436 2837 282 16033 281 216 33 40 39 36 284 11785 1187 281 216 33 41 34 "
    "33 30 2",
    PASSAGE.format(
        "The report on river pollution was written by Dr. Elena Marin for the city council in "
        "2019.",
        "Who wrote the report?",
    ): "504 1378 335 4626 5206 436 2855 411 2503 30 3906 6743 43749 327 260 2240 11940 281 216 "
    "34 32 33 41 30",
    PASSAGE.format(
        "București este capitala României și cel mai mare oraș al țării.",
        "Ce oraș este capitala României?",
    ): "51 85 263 317 147 243 1264 85 3575 81 7810 9612 27375 89 30 198 198 504 2988 314 42 340 "
    "4210 5963",
}


def quiet(progress: Progress) -> None:
    pass


def gguf_in(folder: Path, content: bytes = NONSENSE) -> Path:
    path = folder / "tiny-0.1b.gguf"
    path.write_bytes(content)
    return path


def finished(folder: Path, **changes: object) -> Path:
    folder.mkdir()
    source = {"file": "tiny.gguf", "sha256": "abc", "converter": CONVERTER_VERSION} | changes
    (folder / "source.json").write_text(json.dumps(source))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize(("sha256", "is_done"), [("", True), ("abc", True), ("abd", False)])
def test_a_conversion_counts_when_it_is_of_that_file(
    tmp_path: Path, sha256: str, is_done: bool
) -> None:
    assert is_converted(finished(tmp_path / "tiny"), sha256) is is_done


def test_a_conversion_counts_no_more_when_the_converter_has_changed(tmp_path: Path) -> None:
    assert not is_converted(finished(tmp_path / "tiny", converter=CONVERTER_VERSION - 1))


@pytest.mark.parametrize("source", [None, "", "{", "[]"])
def test_a_folder_is_no_conversion_when_it_does_not_say_so(
    tmp_path: Path, source: str | None
) -> None:
    if source is not None:
        (tmp_path / "source.json").write_text(source)
    assert not is_converted(tmp_path)


def test_nothing_is_done_when_it_is_converted(tmp_path: Path) -> None:
    finished(tmp_path / "tiny-0.1b")
    seen: list[Progress] = []
    assert converted(gguf_in(tmp_path), tmp_path, seen.append) == tmp_path / "tiny-0.1b"
    assert seen == []


def test_no_file_is_needed_when_the_model_is_prepared(tmp_path: Path) -> None:
    weights = replace(WEIGHTS["smollm2-135m"], mirrors=())
    folder = finished(tmp_path / weights.name, sha256=weights.sha256)
    assert prepared(weights, tmp_path, quiet) == folder


def test_nothing_is_left_when_the_file_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"^tiny-0\.1b could not be prepared: run .* fetch it again"
    ):
        converted(gguf_in(tmp_path), tmp_path, quiet)
    assert names(tmp_path) == ["tiny-0.1b.gguf"]


def test_an_older_conversion_stays_when_a_new_one_fails(tmp_path: Path) -> None:
    old = finished(tmp_path / "tiny-0.1b", converter=0)
    with pytest.raises(WeightsError):
        converted(gguf_in(tmp_path), tmp_path, quiet)
    assert (old / "source.json").exists()


def test_nothing_is_left_when_it_is_stopped(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(WeightsError, match="stopped"):
        converted(gguf_in(tmp_path), tmp_path, quiet, stop)
    assert names(tmp_path) == ["tiny-0.1b.gguf"]
    assert not [child for child in psutil.Process().children() if "conversion" in command(child)]


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def test_what_the_listener_raises_ends_it_when_it_is_told(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def listener(progress: Progress) -> None:
        raise Enough

    with pytest.raises(Enough):
        converted(gguf_in(tmp_path), tmp_path, listener)
    assert names(tmp_path) == ["tiny-0.1b.gguf"]


def test_it_names_the_room_when_the_disk_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=29_999_999))
    with pytest.raises(DiskFull, match=r"0\.03 GB are needed .* 0\.03 GB are free"):
        converted(gguf_in(tmp_path, bytes(10_000_000)), tmp_path, quiet)


@pytest.mark.parametrize(
    ("exit_code", "errors", "sentence"),
    [
        (-9, "", "not enough memory"),
        (1, "MemoryError: std::bad_alloc", "not enough memory"),
        (1, "OSError: [Errno 28] No space left on device", "The disk is full"),
        (-11, "", "could not be prepared"),
    ],
)
def test_the_reason_is_a_sentence_without_paths_when_the_child_fails(
    tmp_path: Path, exit_code: int, errors: str, sentence: str
) -> None:
    problem = convert._problem(gguf_in(tmp_path), exit_code, f"{tmp_path}: {errors}")
    assert sentence in str(problem)
    assert str(tmp_path) not in str(problem)


# --- with real weights -------------------------------------------------------------------


@pytest.mark.model
def test_a_crashed_conversion_is_made_anew_when_it_left_half_a_folder(
    smollm: Path, tmp_path: Path
) -> None:
    half = tmp_path / "smollm2-135m.unfinished"
    (half / "result").mkdir(parents=True)
    (half / "result" / "openvino_model.bin").write_bytes(b"half")
    seen: list[int] = []
    folder = converted(
        smollm.parent / "smollm2-135m.gguf",
        tmp_path,
        lambda progress: seen.append(progress.done),
    )
    assert is_converted(folder, WEIGHTS["smollm2-135m"].sha256)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 99)
    assert names(tmp_path) == ["smollm2-135m"]
    assert names(folder) == [
        "openvino_detokenizer.bin",
        "openvino_detokenizer.xml",
        "openvino_model.bin",
        "openvino_model.xml",
        "openvino_tokenizer.bin",
        "openvino_tokenizer.xml",
        "source.json",
    ]


@pytest.fixture(scope="module")
def pipeline(smollm: Path) -> Any:
    scheduling = openvino_genai.SchedulerConfig()
    scheduling.num_kv_blocks = 32
    return openvino_genai.ContinuousBatchingPipeline(str(smollm), scheduling, "CPU", {})


@pytest.mark.model
@pytest.mark.parametrize("question", PEER)
def test_greedy_tokens_are_llama_cpps_when_the_weights_are_the_same(
    pipeline: Any, question: str
) -> None:
    text = TURN.format("system", "Answer briefly.") + TURN.format("user", question)
    ids = pipeline.get_tokenizer().encode(
        f"{text}<|im_start|>assistant\n", add_special_tokens=False
    )
    config = openvino_genai.GenerationConfig(
        apply_chat_template=False, max_new_tokens=24, eos_token_id=2
    )
    answer = pipeline.add_request(0, ids.input_ids, config)
    while pipeline.has_non_finished_requests():
        pipeline.step()
    (output,) = answer.read_all()
    assert " ".join(map(str, output.generated_ids)) == PEER[question]


@pytest.mark.model
def test_the_chat_template_is_the_models_own_when_it_is_converted(pipeline: Any) -> None:
    text = pipeline.get_tokenizer().apply_chat_template(
        [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Why?"}],
        add_generation_prompt=True,
    )
    assert text == (
        TURN.format("system", "Answer briefly.")
        + TURN.format("user", "Why?")
        + "<|im_start|>assistant\n"
    )
