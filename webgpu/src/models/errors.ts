// What can go wrong with a stored model. `code` decides the sentence that the person reads.

export type StoreCode =
  | "no-room" // of what the browser lets this page keep; see `neededBytes` and `freeBytes`
  | "no-storage" // this browser has no storage for files, as in some private windows
  | "network" // no source gave the file; what came is kept
  | "prepare" // the app that serves the page could not fetch or convert it; `detail` is its sentence
  | "hash" // what came, or was kept, is not the file of the list: it was deleted
  | "damaged" // what is kept has not the size of the list, or is gone
  | "busy" // another tab, or an engine, uses it
  | "bad-list"; // models.json is not a list of models, or asks for what no list may

export interface Fault {
  readonly code: StoreCode;
  readonly detail: string; // the file, the source's answer or the app's sentence; "" when none
  readonly neededBytes: number | null;
  readonly freeBytes: number | null;
}

export class StoreError extends Error implements Fault {
  override readonly name = "StoreError";

  constructor(
    readonly code: StoreCode,
    readonly detail = "",
    readonly neededBytes: number | null = null,
    readonly freeBytes: number | null = null,
  ) {
    super([code, detail].filter(Boolean).join(": "));
  }

  // An error loses its class on the way out of a worker.
  static from({ code, detail, neededBytes, freeBytes }: Fault): StoreError {
    return new StoreError(code, detail, neededBytes, freeBytes);
  }

  // The browser's own errors while it reads or writes, as ours.
  static of(error: unknown, detail: string): unknown {
    const name = error instanceof DOMException ? error.name : "";
    if (name === "QuotaExceededError") return new StoreError("no-room", detail);
    if (name === "NoModificationAllowedError") return new StoreError("busy", detail);
    if (name === "NotFoundError") return new StoreError("damaged", detail);
    if (name === "SecurityError") return new StoreError("no-storage");
    return error;
  }
}
