// The models that this browser keeps. Files are read here; they are written in a worker.

import type { Model, ModelStore, OnProgress, StoredModel } from "../types.js";
import { startWorker } from "../privacy/requests.js";
import { StoreError } from "./errors.js";
import { modelsFolder, storedFile, storedModel } from "./folders.js";
import { openHubFrame, type HubFrame } from "./frame.js";
import type { Task, Told } from "./worker.js";

export class BrowserStore implements ModelStore {
  async list(): Promise<readonly StoredModel[]> {
    const models: StoredModel[] = [];
    for await (const folder of (await modelsFolder()).values()) {
      if (folder instanceof FileSystemDirectoryHandle) models.push(await storedModel(folder));
    }
    return models.sort((left, right) => left.name.localeCompare(right.name));
  }

  async download(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // Not awaited: the person may be asked, and may not answer. Refused or not, it is downloaded.
    void navigator.storage?.persist?.();
    const { origin } = location;
    const urls = model.files.flatMap((file) => file.urls);
    const isAway = urls.some((url) => new URL(url, document.baseURI).origin !== origin);
    const frame = isAway ? await openHubFrame() : null;
    try {
      await inWorker("download", model, frame, onProgress, signal);
    } finally {
      frame?.remove();
    }
    // With a model here, the page is worth having whole when there is no network (service-worker.ts).
    navigator.serviceWorker?.controller?.postMessage("keep");
  }

  verify(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    return inWorker("verify", model, null, onProgress, signal);
  }

  async file(model: Model, path: string): Promise<File> {
    const file = model.files.find((one) => one.path === path);
    if (!file) throw new StoreError("damaged", path);
    return storedFile(model.name, file);
  }

  async remove(name: string): Promise<void> {
    const remove = async (lock: Lock | null): Promise<void> => {
      if (!lock) throw new StoreError("busy", name);
      await (await modelsFolder()).removeEntry(name, { recursive: true });
    };
    try {
      await navigator.locks.request(`model ${name}`, { ifAvailable: true }, remove);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "NotFoundError")) {
        throw StoreError.of(error, name);
      }
    }
  }
}

function inWorker(
  work: Task["work"],
  model: Model,
  frame: HubFrame | null,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const worker = startWorker("store.js");
  const stop = () => worker.postMessage("stop");
  signal.addEventListener("abort", stop);
  return new Promise<void>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || "store.js did not start"));
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.is === "progress") onProgress(data.done, data.total, data.stage);
      else if (data.is === "done") resolve();
      else if (data.is === "stopped") reject(signal.reason);
      else if (data.is === "fault") reject(StoreError.from(data.fault));
      else reject(new Error(data.message));
    };
    const task: Task = { work, model, hub: frame?.port ?? null };
    worker.postMessage(task, frame ? [frame.port] : []);
  }).finally(() => {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  });
}
