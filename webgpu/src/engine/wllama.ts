// llama.cpp on GGUF files. It computes in a worker of its own, which wllama starts, one small batch
// at a time: between two of them it can be stopped.

import { Wllama, type WllamaLogger } from "@wllama/wllama/esm/index.js";
import type { Device, GenerateOptions, Message, Model, Reply } from "../types.js";
import { probeDevice } from "./device.js";
import { asEngineError, EngineError } from "./errors.js";
import { modelFile } from "./files.js";
import { Run } from "./replies.js";
import type { Runner } from "./runner.js";

const THREAD_BYTES_PER_S = 500e6; // of weights, by one thread of a busy machine
const STOP_S = 0.5; // within which a batch has to be done; small ones cost no speed (decision 0111)
const LEAST_BATCH_TOKENS = 2; // llama.cpp aborts at its trial batch of two when there is room for one
const MOST_BATCH_TOKENS = 64;
const ALL_LAYERS = 999;
const ONLY_ERRORS = 4;
const MAGIC = "GGUF";

// Counts what its worker sends to the GPU, and tells so over the one channel there is, the log.
const COUNTED = "dispatches";
const COUNTER = `
if (typeof GPUComputePassEncoder !== "undefined") {
  let sent = 0;
  for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"]) {
    const dispatch = GPUComputePassEncoder.prototype[name];
    GPUComputePassEncoder.prototype[name] = function (...sizes) {
      sent += 1;
      return dispatch.apply(this, sizes);
    };
  }
  const submit = GPUQueue.prototype.submit;
  GPUQueue.prototype.submit = function (buffers) {
    postMessage({ verb: "console.debug", args: ["${COUNTED}", sent] });
    return submit.call(this, buffers);
  };
}
`;

class CountedWllama extends Wllama {
  workerCode: string | null = null; // of the worker, when it is to be counted

  override getWorkerResources() {
    const resources = super.getWorkerResources();
    return this.workerCode === null || resources.compat
      ? resources
      : { ...resources, jsPath: { code: COUNTER + this.workerCode } };
  }
}

export class WllamaRunner implements Runner {
  readonly #wllama: CountedWllama;
  #dispatches: number | null = null; // null: no GPU was asked for
  #broken: (error: EngineError) => void = () => {};
  #complaint = "llama.cpp could not load it";
  #contextTokens = 0;
  #fillerTokens: number | null = null;

  constructor(engines: string) {
    const silent = () => {};
    const logger: WllamaLogger = {
      debug: (what, count) => what === COUNTED && (this.#dispatches = count),
      log: silent,
      warn: silent,
      // A worker that does not start says so here, and nowhere else; so does a model that does not.
      error: (what) => {
        if (what instanceof ErrorEvent) this.#broken(asEngineError(what.message, "worker-died"));
        else this.#complaint = String(what);
      },
    };
    this.#wllama = new CountedWllama({ default: `${engines}wllama.wasm` }, { logger });
    // For browsers without JSPI or 64-bit memory. Unless it is set, it comes from elsewhere.
    this.#wllama.setCompat({
      worker: `${engines}wllama-compat.js`,
      wasm: `${engines}wllama-compat.wasm`,
    });
  }

  async load(model: Model, onProgress: (share: number) => void): Promise<void> {
    const device = await probeDevice();
    if (!device.hasSimd) throw new EngineError("no-wasm", "WebAssembly has no vectors");
    const files = await Promise.all(model.files.map((file) => modelFile(model.name, file.path)));
    if ((await files[0]?.slice(0, MAGIC.length).text()) !== MAGIC) {
      throw new EngineError("bad-model", "not a GGUF file");
    }
    const getsGpu = await this.#getGpu(model, device);
    const batchTokens = getsGpu ? MOST_BATCH_TOKENS : batchOf(files, device.threads);
    this.#contextTokens = model.contextTokens;
    onProgress(0);
    await this.#unlessBroken(
      this.#wllama.loadModel(files, {
        n_ctx: model.contextTokens,
        n_batch: batchTokens,
        n_ubatch: batchTokens,
        n_parallel: 1,
        n_threads: device.threads,
        n_gpu_layers: getsGpu ? ALL_LAYERS : 0,
        jinja: true,
        warmup: false,
        log_level: ONLY_ERRORS,
      }),
    );
    // It does not say itself when it could not read a file.
    if (!(this.#wllama.getLoadedContextInfo().n_vocab > 0)) {
      throw asEngineError(this.#complaint, "bad-model");
    }
    onProgress(1);
  }

  async run(
    messages: readonly Message[],
    options: GenerateOptions | null,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply> {
    const run = new Run();
    const before = this.#dispatches;
    const request = this.#wllama.createChatCompletion({
      messages: [...messages],
      max_tokens: options?.maxTokens ?? 0,
      temperature: options?.temperature ?? 0,
      cache_prompt: true,
      timings_per_token: true,
      abortSignal: signal,
      stream: true,
      onData: ({ choices, timings }) => {
        const choice = choices[0];
        if (choice?.delta.content) {
          run.tick();
          run.text += choice.delta.content;
          onToken(choice.delta.content);
        }
        if (choice?.finish_reason === "length") run.finishReason = "length";
        if (timings) {
          run.promptTokens = timings.cache_n + timings.prompt_n;
          run.cachedTokens = timings.cache_n;
          run.completionTokens = timings.predicted_n;
        }
      },
    });
    try {
      await this.#unlessBroken(request);
    } catch (thrown) {
      if (!signal.aborted) throw asEngineError(thrown, "failed");
      run.finishReason = "cancelled";
    }
    return run.reply(this.#dispatches === null ? null : this.#dispatches - (before ?? 0));
  }

  // Whether the model is to run on the GPU: when it wants to, and the kernels of llama.cpp can.
  async #getGpu(model: Model, device: Device): Promise<boolean> {
    if (!model.needs.includes("webgpu")) return false;
    this.#dispatches = 0;
    if (!device.adapter?.features.includes("shader-f16")) return false;
    const code = await import("@wllama/wllama/src/workers-code/generated.ts");
    this.#wllama.workerCode = code.WLLAMA_EMSCRIPTEN_CODE;
    return true;
  }

  // llama.cpp has no other way to count: a prompt that is too long is refused with its length, and
  // nothing is computed. So the text is counted behind one that is too long by itself.
  async countTokens(text: string): Promise<number> {
    const filler = `${" a".repeat(this.#contextTokens)}\n`;
    this.#fillerTokens ??= await this.#refusedTokens(filler);
    return (await this.#refusedTokens(filler + text)) - this.#fillerTokens;
  }

  async #refusedTokens(prompt: string): Promise<number> {
    const request = this.#wllama.createCompletion({ prompt, max_tokens: 0 });
    const told = await this.#unlessBroken(request).catch(String);
    const counted = /\((\d+) tokens\)/.exec(String(told))?.[1];
    if (counted === undefined) throw new EngineError("failed", `tokens not counted: ${told}`);
    return Number(counted);
  }

  #unlessBroken<T>(work: Promise<T>): Promise<T> {
    const broken = new Promise<never>((_, reject) => {
      this.#broken = reject;
    });
    return Promise.race([work, broken]);
  }
}

// All weights are read once for each token of a batch.
function batchOf(files: readonly File[], threads: number): number {
  const weightBytes = files.reduce((sum, file) => sum + file.size, 0);
  const fitting = Math.floor((STOP_S * threads * THREAD_BYTES_PER_S) / weightBytes);
  return Math.max(LEAST_BATCH_TOKENS, Math.min(MOST_BATCH_TOKENS, fitting));
}
