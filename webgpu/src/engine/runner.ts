// What runs a model inside the worker: one of llama.cpp (wllama.ts) and ONNX Runtime (transformers.ts).

import type { GenerateOptions, Message, Model, Reply } from "../types.js";

export interface Runner {
  load(model: Model, onProgress: (share: number) => void): Promise<void>;
  // Without options it only reads the prompt. Aborting ends it within a second.
  run(
    messages: readonly Message[],
    options: GenerateOptions | null,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply>;
  countTokens(text: string): Promise<number>;
}
