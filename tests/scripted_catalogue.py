"""A catalogue of Foundry Local on this machine, in the shape its runtime reads.

Only the list: where a model's files come from is fixed in the runtime. A model that was placed in
its folder beforehand counts as fetched.
"""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def entry(name: str, alias: str, device: str, size_bytes: int, **more: Any) -> dict[str, Any]:
    provider = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider"}[device]
    return {
        "assetId": f"azureml://registries/azureml/models/{name}/versions/1",
        "name": name,
        "alias": alias,
        "displayName": alias.title(),
        "version": "1",
        "publisher": "Example",
        "license": "MIT",
        "inferenceTasks": ["chat-completion"],
        "modelCapabilities": [],
        "modelLimits": {"textLimits": {"inputContextWindow": 2048, "maxOutputTokens": 512}},
        "variantInformation": {
            "parents": [],
            "variantMetadata": {
                "modelType": "ONNX",
                "device": device,
                "executionProvider": provider,
                "fileSizeBytes": size_bytes,
            },
        },
        **more,
    }


class ScriptedCatalogue:
    """Serves ``entries`` at ``url`` until closed; ``asked`` counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.entries = [
            entry("Tiny-cpu", "tiny", "cpu", 16 * 2**20),
            entry("Tiny-gpu", "tiny", "gpu", 12 * 2**20),
            entry("Far-cpu", "far", "cpu", 3 * 2**20),
            entry(
                "Ears-cpu", "ears", "cpu", 2**20, inferenceTasks=["automatic-speech-recognition"]
            ),
        ]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(405)
                self.end_headers()

            def do_POST(self) -> None:
                outer.asked += 1
                self.rfile.read(int(self.headers["content-length"]))
                body = json.dumps({"continuationToken": "", "summaries": outer.entries}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/asset-gallery/v1.0/models"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def place(model: Path, cache: Path) -> Path:
        """Copy ``model`` to where the runtime keeps ``Tiny-cpu:1``, and finish it as it would."""
        folder = cache / "Example" / "Tiny-cpu-1"
        shutil.copytree(model, folder)
        told = {"Name": "Tiny-cpu:1", "PromptTemplate": {}}
        (folder / "inference_model.json").write_text(json.dumps(told))
        return folder
