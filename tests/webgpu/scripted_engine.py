"""An engine that says what a test tells it to: put in place of the built ``engine.js``.

It keeps to the messages of webgpu/src/engine/messages.ts. What it does goes by the name of the
model that was loaded into it, so that two models can behave differently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SOURCE = """
const scripts = SCRIPTS;
let script = null;
let prompts = [];
const stopped = new Set();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

onmessage = async ({ data }) => {
  const { id, verb } = data;
  const say = (answer) => postMessage({ id, ...answer });
  if (verb === "stop") return void stopped.add(id);
  if (verb === "load") {
    script = scripts[data.model.name] ?? {};
    if (script.load_fails) return say({ kind: "failed", code: script.load_fails, message: "" });
    say({ kind: "progress", share: 0.5 });
    return say({ kind: "done", value: null });
  }
  if (verb === "prefill") {
    new BroadcastChannel("prefilled").postMessage(data.messages);
    return say({ kind: "done", value: null });
  }
  if (verb === "count") return say({ kind: "done", value: 1 });
  const pieces = (script.answer ?? "Yes.").match(/\\S+\\s*/g);
  let text = "";
  for (const piece of pieces) {
    if (stopped.has(id)) break;
    text += piece;
    say({ kind: "token", text: piece });
    await pause(script.pause_ms ?? 0);
  }
  if (script.fails) return say({ kind: "failed", code: script.fails, message: "as told" });
  if (script.dies) return void setTimeout(() => { throw new Error("as told"); });
  say({ kind: "done", value: {
    text,
    finishReason: stopped.has(id) ? "cancelled" : script.is_cut ? "length" : "stop",
    promptTokens: 100, cachedTokens: 0, completionTokens: pieces.length,
    firstTokenMs: 500, generateMs: 100,
    dispatches: script.dispatches ?? null, backend: script.backend ?? "wasm",
  } });
};
"""


def engine(**scripts: Mapping[str, Any]) -> bytes:
    """By model, with "_" for "-": ``answer``, ``pause_ms`` a word, ``fails`` after it with a code,
    ``dies``, ``load_fails``, ``is_cut``, ``dispatches`` and ``backend``."""
    named = {name.replace("_", "-"): dict(script) for name, script in scripts.items()}
    return _SOURCE.replace("SCRIPTS", json.dumps(named)).encode()
