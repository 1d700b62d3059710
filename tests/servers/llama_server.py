"""llama.cpp's HTTP server in the foreground: `llama_server.py NAME MODEL.gguf PORT CONTEXT [KEY]`.

As `llama-server --alias NAME -m MODEL.gguf --port PORT -c CONTEXT -np 1 -t 1 --api-key KEY`: the
same code, from a wheel.
"""

from __future__ import annotations

import sys

import xllamacpp


def main(name: str, weights: str, port: str, context_tokens: str, api_key: str = "") -> None:
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {name}
    params.port = int(port)
    params.n_ctx = int(context_tokens)
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # see engines.py
    params.endpoint_props = True
    params.api_keys = [api_key] if api_key else []
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()  # until whoever started it is gone


if __name__ == "__main__":
    main(*sys.argv[1:])
