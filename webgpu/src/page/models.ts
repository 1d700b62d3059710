// Which model answers in this browser: chosen, fetched, loaded; one at a time.

import { EngineError, FATAL, type EngineCode } from "../engine/errors";
import type { Device, Engine, GenerateOptions, Message, Model, ModelStore, Reply, Stage, StoredModel } from "../types";
import { Cell } from "./cell";
import { keep, recall } from "./kept";
import { isAbort, problemOf, type Problem } from "./problems";

export type ModelState =
  | { readonly is: "none" }
  | {
      readonly is: "downloading";
      readonly model: Model;
      readonly done: number;
      readonly total: number;
      readonly stage: Stage;
    }
  | { readonly is: "loading"; readonly model: Model; readonly share: number }
  | { readonly is: "ready"; readonly model: Model }
  | { readonly is: "failed"; readonly model: Model; readonly problem: Problem };

/** The same model comes in several forms. */
export function nameOf(model: Model): string {
  return `${model.title}, ${model.dtype}`;
}

const CHOSEN = "webgpu-model";

export class Models {
  readonly offered = new Cell<readonly Model[]>([]);
  readonly stored = new Cell<readonly StoredModel[]>([]);
  readonly state = new Cell<ModelState>({ is: "none" });
  readonly device = new Cell<Device | null>(null); // null until the browser has shown it
  engine: Engine | null = null;
  #abort = new AbortController();

  constructor(
    private readonly store: ModelStore,
    private readonly startEngine: () => Engine,
  ) {}

  get ready(): Model | null {
    return this.state.value.is === "ready" ? this.state.value.model : null;
  }

  get latest(): Model | null {
    return this.state.value.is === "none" ? null : this.state.value.model;
  }

  /** What this browser lacks for `model`. */
  lacks(model: Model): readonly Model["needs"][number][] {
    const adapter = this.device.value?.adapter;
    return model.needs.filter((need) =>
      need === "webgpu" ? !adapter : !adapter?.features.includes(need),
    );
  }

  isStored(model: Model): boolean {
    return this.stored.value.some((one) => one.name === model.name && one.isComplete);
  }

  /** The model of the last visit, when it is still here: it is loaded without being asked for. */
  remembered(): Model | null {
    const name = recall(CHOSEN);
    return this.offered.value.find((one) => one.name === name && this.isStored(one)) ?? null;
  }

  /** What can go on without a GPU, what is stored first. */
  withoutGpu(): Model | null {
    const fit = this.offered.value.filter((one) => one.needs.length === 0);
    return fit.find((one) => this.isStored(one)) ?? fit[0] ?? null;
  }

  async use(model: Model): Promise<void> {
    this.cancel();
    const { signal } = (this.#abort = new AbortController());
    try {
      if (!this.isStored(model)) await this.#download(model, signal);
      await this.#load(model, signal);
    } catch (error) {
      if (signal.aborted && this.#abort.signal !== signal) return; // another was chosen meanwhile
      this.state.value = isAbort(error) || signal.aborted
        ? { is: "none" }
        : { is: "failed", model, problem: problemOf(error) };
    } finally {
      await this.look();
    }
  }

  /** Ends a download; what is there stays, and the next one goes on from it. */
  cancel(): void {
    this.#abort.abort();
  }

  async remove(name: string): Promise<void> {
    if (this.state.value.is !== "none" && this.state.value.model.name === name) await this.unload();
    await this.store.remove(name);
    await this.look();
  }

  async look(): Promise<void> {
    this.stored.value = await this.store.list();
  }

  /** An engine that has died of it is of no use any more, and is said to have failed. */
  async generate(
    messages: readonly Message[],
    options: GenerateOptions,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { state, engine } = this;
    try {
      if (engine === null) throw new EngineError("not-loaded", "");
      return await engine.generate(messages, options, onToken, signal);
    } catch (error) {
      const isDead = FATAL.has((error as { code?: EngineCode }).code ?? "failed");
      if (isDead && state.value.is === "ready" && engine === this.engine)
        state.value = { is: "failed", model: state.value.model, problem: problemOf(error) };
      throw error;
    }
  }

  async unload(): Promise<void> {
    this.cancel();
    const { engine } = this;
    this.engine = null;
    this.state.value = { is: "none" };
    await engine?.unload().catch(() => undefined); // one that has died is gone already
  }

  async #download(model: Model, signal: AbortSignal): Promise<void> {
    const total = model.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.state.value = { is: "downloading", model, done: 0, total, stage: "download" };
    await this.store.download(
      model,
      (done, total, stage) => {
        if (!signal.aborted) this.state.value = { is: "downloading", model, done, total, stage };
      },
      signal,
    );
    signal.throwIfAborted();
  }

  async #load(model: Model, signal: AbortSignal): Promise<void> {
    const former = this.engine;
    this.engine = null;
    await former?.unload().catch(() => undefined);
    this.state.value = { is: "loading", model, share: 0 };
    const engine = this.startEngine();
    this.engine = engine;
    await engine.load(model, (share) => {
      if (!signal.aborted) this.state.value = { is: "loading", model, share };
    });
    signal.throwIfAborted();
    keep(CHOSEN, model.name);
    this.state.value = { is: "ready", model };
  }
}
