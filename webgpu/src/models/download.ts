// Brings a model into storage, file by file and source by source. Runs in a worker.

import type { Model, ModelFile, OnProgress } from "../types.js";
import { StoreError } from "./errors.js";
import { deleteFile, isWhole, keptBytes, noteModel, partOf, storedFile } from "./folders.js";
import { hasRightHash, Part } from "./part.js";
import { prepare } from "./prepare.js";
import { NotPrepared, type Source } from "./sources.js";

export interface Sources {
  readonly base: URL; // of the page: relative addresses are beside it
  readonly own: Source;
  readonly hub: Source; // for every other address
}

/** One tab at a time: a second waits, and then finds the files. */
export function inTurn<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(`model ${name}`, { signal }, work);
}

export async function download(
  model: Model,
  sources: Sources,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  await noteModel(model);
  const missing = await missingFiles(model);
  const total = sum(model.files.map((file) => file.sizeBytes));
  let done = total - sum(missing.map((file) => file.sizeBytes));
  await checkRoom(model.name, missing);
  for (const file of missing) {
    const bring = new Bringing(model, file, sources, signal, (bytes, whole, stage) =>
      stage === "prepare" ? onProgress(bytes, whole, stage) : onProgress(done + bytes, total, stage),
    );
    await bring.run();
    done += file.sizeBytes;
  }
  onProgress(total, total, "download");
}

export async function verify(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
  const total = sum(model.files.map((file) => file.sizeBytes));
  let done = 0;
  for (const file of model.files) {
    const stored = await storedFile(model.name, file);
    const onHashed = (bytes: number) => onProgress(done + bytes, total, "verify");
    if (!(await hasRightHash(stored, file, onHashed, signal))) {
      await deleteFile(model.name, file.path);
      throw new StoreError("hash", file.path);
    }
    done += file.sizeBytes;
  }
}

async function missingFiles(model: Model): Promise<readonly ModelFile[]> {
  const whole = await Promise.all(model.files.map((file) => isWhole(model.name, file)));
  return model.files.filter((_, index) => !whole[index]);
}

async function checkRoom(name: string, missing: readonly ModelFile[]): Promise<void> {
  const parts = await Promise.all(missing.map((file) => keptBytes(name, partOf(file.path))));
  const neededBytes = sum(missing.map((file) => file.sizeBytes)) - sum(parts);
  const { quota, usage } = await navigator.storage.estimate();
  if (quota === undefined) return; // the browser does not tell: writing will
  const freeBytes = Math.max(0, quota - (usage ?? 0));
  if (neededBytes > freeBytes) throw new StoreError("no-room", name, neededBytes, freeBytes);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}

/** One file, from the first of its sources that gives it right. */
class Bringing {
  #isPrepared = false;

  constructor(
    private readonly model: Model,
    private readonly file: ModelFile,
    private readonly sources: Sources,
    private readonly signal: AbortSignal,
    private readonly onProgress: OnProgress,
  ) {}

  async run(): Promise<void> {
    const told = (bytes: number) => this.onProgress(bytes, this.file.sizeBytes, "verify");
    const part = await Part.open(this.model.name, this.file, told, this.signal);
    try {
      await this.#fillFromOne(part);
    } catch (error) {
      part.close();
      throw StoreError.of(error, this.file.path);
    }
  }

  async #fillFromOne(part: Part): Promise<void> {
    // What was left by a former download may be of another file: its source is asked once more.
    const urls = part.size > 0 ? [...this.file.urls.slice(0, 1), ...this.file.urls] : this.file.urls;
    let fault = new StoreError("network", this.file.path);
    for (const url of urls) {
      try {
        await this.#fill(part, new URL(url, this.sources.base));
        if (part.isRight()) return await part.keep();
        part.clear();
        fault = new StoreError("hash", this.file.path);
      } catch (error) {
        fault = this.#faultOf(error);
      }
    }
    if (fault.code === "hash") await part.delete();
    throw fault;
  }

  // A source that breaks off is asked again for as long as it brings something.
  async #fill(part: Part, url: URL): Promise<void> {
    while (!part.isFull) {
      const before = part.size;
      try {
        await this.#pour(part, url);
      } catch (error) {
        const broke = this.#faultOf(error);
        if (error instanceof NotPrepared) await this.#prepare(broke);
        else if (part.size === before) throw broke;
      }
    }
  }

  async #pour(part: Part, url: URL): Promise<void> {
    const source = url.origin === this.sources.base.origin ? this.sources.own : this.sources.hub;
    const before = part.size;
    const bytes = await source.open(url, before, this.signal);
    if (bytes.start > before) throw new StoreError("network", `${url.host}: not the bytes asked for`);
    let at = bytes.start; // a server that knows no ranges begins at 0: what is here is passed over
    for await (const piece of bytes.pieces) {
      part.append(piece.subarray(Math.max(0, part.size - at)));
      at += piece.length;
      this.onProgress(part.size, this.file.sizeBytes, "download");
      this.signal.throwIfAborted();
      if (part.isFull) break;
    }
    if (part.size === before) throw new StoreError("network", `${url.host}: nothing came`);
  }

  async #prepare(unprepared: StoreError): Promise<void> {
    if (this.#isPrepared) throw unprepared;
    const told = (done: number, total: number) => this.onProgress(done, total, "prepare");
    await prepare(this.sources.base, this.model.name, told, this.signal);
    this.#isPrepared = true;
  }

  // What another source may still mend; everything else is thrown. `fetch` throws a TypeError.
  #faultOf(error: unknown): StoreError {
    this.signal.throwIfAborted();
    if (error instanceof TypeError) return new StoreError("network", error.message);
    if (error instanceof StoreError && ["network", "prepare"].includes(error.code)) return error;
    throw StoreError.of(error, this.file.path);
  }
}
