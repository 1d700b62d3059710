"""Real model servers, Ollama and llama.cpp's, in processes of their own. Weights in, addresses out.

Each is started as a person would start it, on a free port of this machine, with its own folder and
one place to answer in. It knows nothing of our client, nor of what is tested.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MODEL = "smollm2-135m"
START_S = 120  # a hang guard

# Ollama knows a GGUF's own template only by comparing it with a list, on which SmolLM2's is not. On
# a busy machine several threads would spend their time waiting for each other.
MODELFILE = '''FROM {weights}
TEMPLATE """{{{{- range .Messages }}}}<|im_start|>{{{{ .Role }}}}
{{{{ .Content }}}}<|im_end|>
{{{{ end }}}}<|im_start|>assistant
"""
SYSTEM You are a helpful AI assistant named SmolLM, trained by Hugging Face
PARAMETER stop <|im_end|>
PARAMETER num_thread 1
'''


class EngineMissingError(Exception):
    """Why a server cannot be had on this machine, as a sentence."""


@dataclass(frozen=True)
class Engine:
    name: str
    base_url: str  # with /v1
    context_tokens: int
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """At once and with its children, as when a machine runs out of memory."""
        if sys.platform == "win32":
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()


def ollama(weights: Path, folder: Path, context_tokens: int) -> Engine:
    program = shutil.which("ollama")
    if program is None:
        raise EngineMissingError("There is no Ollama on the PATH.")
    base_url = f"http://127.0.0.1:{_free_port()}"
    settings = {
        "OLLAMA_HOST": base_url,
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_CONTEXT_LENGTH": str(context_tokens),
        "OLLAMA_NUM_PARALLEL": "1",
        "HOME": str(folder),  # where it keeps its keys
    }
    (folder / "Modelfile").write_text(MODELFILE.format(weights=weights))
    command = [program, "serve"]
    process, log = _started(command, base_url, folder, os.environ | settings)
    create = [program, "create", MODEL, "-f", str(folder / "Modelfile")]
    subprocess.run(create, env=os.environ | settings, check=True, capture_output=True)
    return Engine("ollama", f"{base_url}/v1", context_tokens, process, log)


def llama_cpp(weights: Path, folder: Path, context_tokens: int, api_key: str = "") -> Engine:
    """The server of llama.cpp, tools/server, which the package xllamacpp brings built."""
    port = _free_port()
    program = Path(__file__).with_name("llama_server.py")
    command = [sys.executable, str(program), MODEL, str(weights), str(port), str(context_tokens)]
    base_url = f"http://127.0.0.1:{port}"
    process, log = _started([*command, api_key], base_url, folder, os.environ)
    return Engine("llama.cpp", f"{base_url}/v1", context_tokens, process, log)


START: Mapping[str, Callable[..., Engine]] = {"ollama": ollama, "llama.cpp": llama_cpp}


def _started(
    command: Sequence[str], base_url: str, folder: Path, environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Path]:
    """The process once it serves, and what it writes. Raises EngineMissingError."""
    log = folder / "log.txt"
    with log.open("wb") as told:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,  # closed when we end, however that is
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S
    while not _is_serving(base_url):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.communicate()
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise EngineMissingError(f"{Path(command[0]).name} did not start: {' '.join(last)}")
        time.sleep(0.05)
    return process, log


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_serving(base_url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{base_url}/v1/models", timeout=5):
            return True
    except OSError as exc:
        return getattr(exc, "code", None) == 401  # up, and wants its key
