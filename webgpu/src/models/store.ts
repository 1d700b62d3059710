// The models that this browser keeps. Files are read here; they are written in a worker.

import type { Model, ModelStore, OnProgress, StoredModel } from "../types.js";
import { startWorker } from "../privacy/requests.js";
import { StoreError } from "./errors.js";
import { modelsFolder, storedFile, storedModel } from "./folders.js";
import { openHubFrame, type HubFrame } from "./frame.js";
import type { Order, Task, Told } from "./worker.js";

export class BrowserStore implements ModelStore {
  async list(): Promise<readonly StoredModel[]> {
    const models: StoredModel[] = [];
    for await (const folder of (await modelsFolder()).values()) {
      if (folder instanceof FileSystemDirectoryHandle) models.push(await storedModel(folder));
    }
    return models.sort((left, right) => left.name.localeCompare(right.name));
  }

  async download(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    await modelsFolder(); // says so where there is no storage
    // Not awaited: the person may be asked, and may not answer. Refused or not, it is downloaded.
    void navigator.storage?.persist?.();
    await inWorker("download", model, onProgress, signal);
    // With a model here, the page is worth having whole when there is no network (service-worker.ts).
    navigator.serviceWorker?.controller?.postMessage("keep");
  }

  verify(model: Model, onProgress: OnProgress, signal: AbortSignal): Promise<void> {
    return inWorker("verify", model, onProgress, signal);
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
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const worker = startWorker("store.js");
  const order = (what: Order, ...ports: MessagePort[]) => worker.postMessage(what, ports);
  const stop = () => order("stop");
  signal.addEventListener("abort", stop);
  let frame: HubFrame | null = null;
  const openHub = async () => {
    frame = await openHubFrame();
    order(frame.port, frame.port);
  };
  return new Promise<void>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || "store.js did not start"));
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.is === "progress") onProgress(data.done, data.total, data.stage);
      else if (data.is === "hub") openHub().catch(reject);
      else if (data.is === "done") resolve();
      else if (data.is === "stopped") reject(signal.reason);
      else if (data.is === "fault") reject(StoreError.from(data.fault));
      else reject(new Error(data.message));
    };
    order({ work, model });
  }).finally(() => {
    signal.removeEventListener("abort", stop);
    worker.terminate();
    frame?.remove();
  });
}
