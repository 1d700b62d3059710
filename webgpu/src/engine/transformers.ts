// ONNX Runtime on ONNX files, by transformers.js: on WebGPU when an adapter is given, else on
// WebAssembly. The prompt is read in pieces and its keys and values are kept for the next one.

import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  type PreTrainedModel,
  type PreTrainedTokenizer,
  Tensor,
} from "@huggingface/transformers";
import type { GenerateOptions, Message, Model, Reply } from "../types.js";
import { probeDevice } from "./device.js";
import { EngineError } from "./errors.js";
import { modelFile } from "./files.js";
import type { GpuWatch } from "./gpuwatch.js";
import { KeyValueCache } from "./kvcache.js";
import { Run } from "./replies.js";
import type { Runner } from "./runner.js";
import { nextToken } from "./sampling.js";

const STORE = "/stored/"; // what its paths begin with, for it only; nothing is there
const LEAST_PIECE_TOKENS = 16; // fewer take as long on a GPU
const MOST_PIECE_TOKENS = 128; // the logits of each are held at once
const PIECE_MS = 300;
const UNFINISHED = "\ufffd"; // what the bytes of half a character decode to

export class TransformersRunner implements Runner {
  readonly #engines: string;
  readonly #gpu: GpuWatch | null;
  #isOnGpu = false;
  #model!: PreTrainedModel;
  #tokenizer!: PreTrainedTokenizer;
  #cache!: KeyValueCache;
  #contextTokens = 0;
  #pieceTokens = LEAST_PIECE_TOKENS;

  constructor(engines: string, gpu: GpuWatch | null) {
    this.#engines = engines;
    this.#gpu = gpu;
  }

  async load(model: Model, onProgress: (share: number) => void): Promise<void> {
    const device = await probeDevice();
    const features = device.adapter?.features ?? [];
    if (model.needs.includes("shader-f16") && !features.includes("shader-f16")) {
      throw new EngineError("no-webgpu", "the model needs shader-f16");
    }
    await Promise.all(model.files.map((file) => modelFile(model.name, file.path))); // all there?
    this.#configure(device.threads);
    this.#isOnGpu = device.adapter !== null;
    const loaded = new Map<string, number>();
    const totalBytes = model.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const options = {
      device: this.#isOnGpu ? ("webgpu" as const) : ("wasm" as const),
      dtype: model.dtype as "fp32",
      progress_callback: (told: { status: string; file?: string; loaded?: number }) => {
        if (told.status !== "progress") return;
        loaded.set(told.file ?? "", told.loaded ?? 0);
        onProgress([...loaded.values()].reduce((sum, bytes) => sum + bytes, 0) / totalBytes);
      },
    };
    this.#tokenizer = await AutoTokenizer.from_pretrained(model.name);
    this.#model = await AutoModelForCausalLM.from_pretrained(model.name, options);
    this.#cache = new KeyValueCache();
    this.#contextTokens = model.contextTokens;
    onProgress(1);
  }

  async run(
    messages: readonly Message[],
    options: GenerateOptions | null,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply> {
    const run = new Run();
    const before = this.#gpu?.dispatches ?? 0;
    const prompt = this.#promptTokens(messages);
    run.promptTokens = prompt.length;
    run.cachedTokens = await this.#cache.keep(prompt);
    const logits = await this.#read(prompt.slice(run.cachedTokens), signal);
    if (options !== null) await this.#write(run, logits, options, onToken, signal);
    else if (logits === null) run.finishReason = "cancelled";
    return run.reply(this.#isOnGpu ? (this.#gpu?.dispatches ?? 0) - before : null);
  }

  async countTokens(text: string): Promise<number> {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).length;
  }

  // Everything comes from our own folder and the model store; there is nothing else it could ask.
  #configure(threads: number): void {
    const { wasm } = env.backends.onnx;
    if (wasm === undefined) throw new EngineError("no-wasm", "ONNX Runtime has no WebAssembly");
    wasm.wasmPaths = { mjs: `${this.#engines}ort.js`, wasm: `${this.#engines}ort.wasm` };
    wasm.numThreads = threads;
    env.useWasmCache = false;
    env.useBrowserCache = false;
    env.useCustomCache = true;
    env.customCache = { match: storedFile, put: async () => {} };
    env.allowLocalModels = true;
    env.allowRemoteModels = false;
    env.localModelPath = STORE;
    env.fetch = async () => new Response(null, { status: 404 });
  }

  #promptTokens(messages: readonly Message[]): number[] {
    const text = this.#tokenizer.apply_chat_template([...messages], {
      add_generation_prompt: true,
      tokenize: false,
    }) as string;
    const tokens = this.#tokenizer.encode(text, { add_special_tokens: false });
    if (tokens.length < this.#contextTokens) return tokens;
    throw new EngineError("context-full", `${tokens.length} of ${this.#contextTokens} tokens`);
  }

  // In pieces of about PIECE_MS each; the logits after the last, or null when it was stopped.
  async #read(tokens: readonly number[], signal: AbortSignal): Promise<Float32Array | null> {
    let logits: Float32Array | null = null;
    for (let done = 0; done < tokens.length; ) {
      await breathe();
      if (signal.aborted) return null;
      const piece = tokens.slice(done, done + this.#pieceTokens);
      const began = performance.now();
      logits = await this.#forward(piece);
      const tokenMs = (performance.now() - began) / piece.length;
      const fitting = Math.min(Math.floor(PIECE_MS / tokenMs), 2 * this.#pieceTokens);
      this.#pieceTokens = Math.max(LEAST_PIECE_TOKENS, Math.min(MOST_PIECE_TOKENS, fitting));
      done += piece.length;
    }
    return logits;
  }

  async #write(
    run: Run,
    first: Float32Array | null,
    options: GenerateOptions,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const written: number[] = [];
    const ends = this.#endTokens();
    const room = Math.min(options.maxTokens, this.#contextTokens - (run.promptTokens ?? 0));
    let logits = first;
    run.finishReason = "cancelled";
    while (logits !== null && !signal.aborted) {
      const token = nextToken(logits, options.temperature, Math.random());
      run.tick();
      if (ends.has(token)) {
        run.finishReason = "stop";
        break;
      }
      written.push(token);
      const text = this.#tokenizer.decode(written, { skip_special_tokens: true });
      if (text.length > run.text.length && !text.endsWith(UNFINISHED)) {
        onToken(text.slice(run.text.length));
        run.text = text;
      }
      if (written.length >= room) {
        run.finishReason = "length";
        break;
      }
      logits = await this.#read([token], signal);
    }
    run.completionTokens = written.length;
  }

  async #forward(piece: readonly number[]): Promise<Float32Array> {
    const length = this.#cache.length + piece.length;
    const outputs = await this.#model.forward({
      input_ids: int64(piece, [1, piece.length]),
      attention_mask: int64(Array<number>(length).fill(1), [1, length]),
      past_key_values: this.#cache.tensors,
      num_logits_to_keep: int64([1], []),
    });
    this.#cache.take(piece, outputs);
    const { logits } = outputs as { logits: Tensor };
    const vocabulary = logits.dims.at(-1)!;
    return Float32Array.from(logits.data.slice(-vocabulary) as Float32Array);
  }

  #endTokens(): ReadonlySet<number> {
    const of = (config: { eos_token_id?: number | number[] | null } | null) =>
      [config?.eos_token_id ?? []].flat();
    const { config, generation_config: generation } = this.#model as unknown as Record<
      "config" | "generation_config",
      { eos_token_id?: number | number[] | null } | null
    >;
    return new Set([...of(config), ...of(generation), this.#tokenizer.eos_token_id ?? -1]);
  }
}

async function storedFile(path: string): Promise<Response | undefined> {
  if (!path.startsWith(STORE)) return undefined;
  const [name = "", ...rest] = path.slice(STORE.length).split("/");
  const file = await modelFile(name, rest.join("/"));
  return new Response(file, { headers: { "content-length": String(file.size) } });
}

function int64(values: readonly number[], dims: number[]): Tensor {
  return new Tensor("int64", BigInt64Array.from(values, BigInt), dims);
}

// Lets messages in, such as one that says stop.
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
