// The worker of an engine: takes requests from client.ts, one model in its life.
//
// Requests wait for each other, but reading a prompt ahead gives way to whatever comes next.

import { asEngineError, EngineError } from "./errors.js";
import { watchGpu } from "./gpuwatch.js";
import type { Answer, Request } from "./messages.js";
import type { Runner } from "./runner.js";
import { reportRequests } from "../privacy/report.js";
import type { Model } from "../types.js";

const scope = self as unknown as DedicatedWorkerGlobalScope;
reportRequests(); // to the page, which counts them
const gpu = watchGpu();
const lost = gpu?.lost.then((why) => {
  throw new EngineError("adapter-lost", why);
});
lost?.catch(() => {}); // whoever waits for an answer hears of it

let runner: Runner | null = null;
let last: Promise<unknown> = Promise.resolve();
let ahead: AbortController | null = null; // of the prompt that is being read ahead
const running = new Map<number, AbortController>();

scope.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.verb === "stop") {
    running.get(data.id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(data.id, controller);
  ahead?.abort();
  ahead = data.verb === "prefill" ? controller : null;
  last = last.then(() => answer(data, controller.signal));
};

async function answer(request: Request, signal: AbortSignal): Promise<void> {
  const { id } = request;
  try {
    const work = perform(request, signal);
    const value = await (lost ? Promise.race([work, lost]) : work);
    say({ id, kind: "done", value });
  } catch (thrown) {
    const { code, message } = asEngineError(thrown, request.verb === "load" ? "bad-model" : "failed");
    say({ id, kind: "failed", code, message });
  } finally {
    running.delete(id);
  }
}

async function perform(request: Request, signal: AbortSignal) {
  const { id } = request;
  if (request.verb === "load") {
    runner = await runnerOf(request.model);
    await runner.load(request.model, (share) => say({ id, kind: "progress", share }));
    return null;
  }
  if (runner === null) throw new EngineError("not-loaded", request.verb);
  if (request.verb === "generate") {
    const onToken = (text: string) => say({ id, kind: "token", text });
    return runner.run(request.messages, request.options, onToken, signal);
  }
  if (request.verb === "prefill") {
    if (!signal.aborted) await runner.run(request.messages, null, () => {}, signal);
    return null;
  }
  return request.verb === "count" ? runner.countTokens(request.text) : null;
}

// Fetched only now, so that a page without a model loads no engine.
async function runnerOf(model: Model): Promise<Runner> {
  if (typeof WebAssembly === "undefined") throw new EngineError("no-wasm", "WebAssembly is missing");
  const engines = new URL("engines/", scope.location.href).href;
  if (model.engine === "wllama") {
    return new (await import("./wllama.js")).WllamaRunner(engines);
  }
  return new (await import("./transformers.js")).TransformersRunner(engines, gpu);
}

function say(answer: Answer): void {
  scope.postMessage(answer);
}
