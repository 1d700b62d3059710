// The page's side of an engine: the same calls, sent to a worker. One worker a model; unloading
// ends it, which is the only way to give all of its memory back.

import { startWorker } from "../privacy/requests.js";
import type { Engine, GenerateOptions, Message, Model, Reply } from "../types.js";
import { EngineError, FATAL } from "./errors.js";
import type { Answer, Order } from "./messages.js";

interface Waiting {
  readonly settle: (value: Reply | number | null) => void;
  readonly fail: (error: EngineError) => void;
  readonly onProgress: (share: number) => void;
  readonly onToken: (text: string) => void;
}

const NOTHING = () => {};

export class WorkerEngine implements Engine {
  #worker: Worker | null = null;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  // Of the built worker, beside the page.
  constructor(readonly address: URL = new URL("engine.js", document.baseURI)) {}

  async load(model: Model, onProgress: (share: number) => void): Promise<void> {
    this.#end(new EngineError("not-loaded", "another model is loaded"));
    const worker = startWorker(this.address); // its requests are counted as the page's
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault(); // told below
      if (worker === this.#worker) this.#end(new EngineError("worker-died", event.message ?? ""));
    };
    this.#worker = worker;
    try {
      await this.#ask({ verb: "load", model }, { onProgress });
    } catch (thrown) {
      if (worker === this.#worker) this.#end(thrown as EngineError);
      throw thrown;
    }
  }

  async prefill(messages: readonly Message[]): Promise<void> {
    await this.#ask({ verb: "prefill", messages });
  }

  async generate(
    messages: readonly Message[],
    options: GenerateOptions,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply> {
    return (await this.#ask({ verb: "generate", messages, options }, { onToken, signal })) as Reply;
  }

  async countTokens(text: string): Promise<number> {
    return (await this.#ask({ verb: "count", text })) as number;
  }

  async unload(): Promise<void> {
    this.#end(new EngineError("not-loaded", "the model was unloaded"));
  }

  #ask(
    order: Order,
    heard: Partial<Pick<Waiting, "onProgress" | "onToken">> & { signal?: AbortSignal } = {},
  ): Promise<Reply | number | null> {
    const worker = this.#worker;
    if (worker === null) return Promise.reject(new EngineError("not-loaded", order.verb));
    const id = ++this.#lastId;
    const stop = () => worker.postMessage({ verb: "stop", id });
    const { signal, onProgress = NOTHING, onToken = NOTHING } = heard;
    return new Promise<Reply | number | null>((settle, fail) => {
      this.#waiting.set(id, { settle, fail, onProgress, onToken });
      worker.postMessage({ ...order, id });
      if (signal?.aborted) stop();
      signal?.addEventListener("abort", stop);
    }).finally(() => signal?.removeEventListener("abort", stop));
  }

  #hear(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (answer.kind === "progress") waiting?.onProgress(answer.share);
    else if (answer.kind === "token") waiting?.onToken(answer.text);
    else {
      this.#waiting.delete(answer.id);
      if (answer.kind === "done") waiting?.settle(answer.value);
      else {
        const error = new EngineError(answer.code, answer.message);
        waiting?.fail(error);
        if (FATAL.has(answer.code)) this.#end(error);
      }
    }
  }

  #end(error: EngineError): void {
    this.#worker?.terminate();
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) one.fail(error);
  }
}
