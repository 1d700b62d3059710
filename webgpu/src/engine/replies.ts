// What is counted and timed of one run, and the reply it comes to.

import type { Backend, Reply } from "../types.js";

export class Run {
  readonly #began = performance.now();
  #first: number | null = null;
  #last: number | null = null;
  text = "";
  finishReason: Reply["finishReason"] = "stop";
  promptTokens: number | null = null;
  cachedTokens: number | null = null;
  completionTokens: number | null = null;

  // A token was there, whether or not it is one that is shown.
  tick(): void {
    this.#last = performance.now();
    this.#first ??= this.#last;
  }

  // `dispatches`: null when no GPU was asked for.
  reply(dispatches: number | null): Reply {
    const backend: Backend = dispatches ? "webgpu" : "wasm";
    return {
      text: this.text,
      finishReason: this.finishReason,
      promptTokens: this.promptTokens,
      cachedTokens: this.cachedTokens,
      completionTokens: this.completionTokens,
      firstTokenMs: this.#first === null ? null : this.#first - this.#began,
      generateMs: this.#first === null || this.#last === null ? null : this.#last - this.#first,
      dispatches,
      backend,
    };
  }
}
