// The values that the parts of the page exchange: plain, read-only, cloneable across a worker.
//
// Nothing here computes. `null` means unknown; zero means zero. Units are in the names. Where the
// server has the same value (rag/types.py), it has the same name here.

// --- documents ---------------------------------------------------------------------------

export interface Page {
  readonly number: number; // 1-based; a file without pages has one
  readonly text: string;
}

export interface Document {
  readonly id: string; // SHA-256 of the file's bytes, hexadecimal
  readonly name: string;
  readonly mediaType: string;
  readonly pages: readonly Page[];
  readonly note: string; // what could not be read, as a key of the page's messages; "" when all was
}

export interface Chunk {
  readonly id: string;
  readonly documentId: string;
  readonly documentName: string;
  readonly page: number;
  readonly section: string; // nearest heading above, "" when there is none
  readonly text: string; // page text [start, end)
  readonly start: number;
  readonly end: number;
  readonly language: string; // ISO 639-1; "" when not detected
}

// --- retrieval and grounding -------------------------------------------------------------

export interface Hit {
  readonly chunk: Chunk;
  readonly score: number; // raw BM25: comparable within one search only
  readonly rank: number; // 1 is best
  readonly matchedTerms: readonly string[];
}

export interface Context {
  readonly text: string; // passages numbered from 1 in the order of `hits`
  readonly hits: readonly Hit[];
  readonly tokenCount: number; // as estimated before a model counts
  readonly budgetTokens: number;
  readonly dropped: readonly { readonly hit: Hit; readonly reason: "budget" | "passages" | "twin" }[];
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface Citation {
  readonly number: number; // of the passage in the context
  readonly documentName: string;
  readonly page: number;
  readonly quote: string; // what of the passage supports the sentence
  readonly start: number; // of the quote in the page's text
  readonly end: number;
  readonly supported: boolean;
}

// --- models ------------------------------------------------------------------------------

export type EngineName = "wllama" | "transformers"; // llama.cpp on GGUF; ONNX Runtime Web on ONNX
export type Backend = "webgpu" | "wasm"; // where the arithmetic is really done

export interface ModelFile {
  readonly path: string; // inside the model's folder, such as "onnx/model_q4f16.onnx"
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly urls: readonly string[]; // tried in order; relative ones are beside the page
}

export interface Model {
  readonly name: string;
  readonly title: string;
  readonly engine: EngineName;
  readonly dtype: string; // of the weights, such as "q8_0" or "q4f16"
  readonly needs: readonly ("webgpu" | "shader-f16")[]; // without them it is not offered
  readonly licence: string; // SPDX
  readonly memoryBytes: number; // of the whole tab, as measured or estimated
  readonly contextTokens: number; // what the page gives it, not what it was trained with
  readonly bestPassages: number;
  readonly files: readonly ModelFile[];
}

// What the browser can do, as it showed when asked; adapter null: none was given.
export interface Device {
  readonly adapter: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly isFallback: boolean; // a software adapter
    readonly features: readonly string[];
    readonly limits: Readonly<Record<string, number>>;
  } | null;
  readonly hasThreads: boolean; // SharedArrayBuffer: cross-origin isolated
  readonly hasSimd: boolean;
  readonly threads: number; // that WebAssembly would use
}

export interface GenerateOptions {
  readonly maxTokens: number;
  readonly temperature: number; // 0: greedy
}

export interface Reply {
  readonly text: string;
  readonly finishReason: "stop" | "length" | "cancelled";
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null; // of the prompt, whose keys and values were reused
  readonly completionTokens: number | null;
  readonly firstTokenMs: number | null; // from the request to the first token: the prefill
  readonly generateMs: number | null; // from there to the last
  readonly dispatches: number | null; // of compute passes during this reply; null: no GPU engine
  readonly backend: Backend; // wasm when an engine asked for WebGPU dispatched nothing
}

// An engine runs one model in a worker. Errors are EngineError (engine/errors.ts).
export interface Engine {
  load(model: Model, onProgress: (share: number) => void): Promise<void>;
  // Reads a prompt ahead, so that `generate` on one that begins alike need not; a later call stops it.
  prefill(messages: readonly Message[]): Promise<void>;
  // Aborting ends it within a second; what was written so far is the reply, "cancelled".
  generate(
    messages: readonly Message[],
    options: GenerateOptions,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply>;
  countTokens(text: string): Promise<number>;
  unload(): Promise<void>;
}

// --- stored models -----------------------------------------------------------------------

// In the browser's own storage (OPFS), one folder a model; a file is complete once its hash is right.
export interface StoredModel {
  readonly name: string;
  readonly sizeBytes: number; // on disk, a part of a download included
  readonly isComplete: boolean;
}

// "prepare": the app that served the page fetches or converts the model first.
export type Stage = "prepare" | "download" | "verify";
export type OnProgress = (doneBytes: number, totalBytes: number, stage: Stage) => void;

export interface ModelStore {
  list(): Promise<readonly StoredModel[]>;
  // Goes on where a former download stopped; aborting keeps what came. Errors are StoreError
  // (models/errors.ts), or the signal's reason.
  download(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void>;
  // Reads every byte again; a file whose hash is wrong is deleted (StoreError "hash").
  verify(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void>;
  // Looks at the size alone (StoreError "damaged").
  file(model: Model, path: string): Promise<File>;
  remove(name: string): Promise<void>;
}

// --- measuring ---------------------------------------------------------------------------

// One answer of one model, kept for the chart and its export.
export interface Turn {
  readonly at: string; // ISO 8601
  readonly where: "browser" | "server";
  readonly model: string;
  readonly backend: Backend | "server";
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
  readonly retrieveMs: number;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  readonly tokensPerS: number | null;
}
