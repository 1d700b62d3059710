// The worker of one download, or of one reading through: it is told once what to do.

import type { Model, OnProgress, Stage } from "../types.js";
import { reportRequests } from "../privacy/report.js";
import { download, inTurn, verify } from "./download.js";
import { StoreError, type Fault } from "./errors.js";
import { hub, ownServer } from "./sources.js";

export interface Task {
  readonly work: "download" | "verify";
  readonly model: Model;
  readonly hub: MessagePort | null;
}

export type Told =
  | { readonly is: "progress"; readonly done: number; readonly total: number; readonly stage: Stage }
  | { readonly is: "done" }
  | { readonly is: "stopped" }
  | { readonly is: "fault"; readonly fault: Fault }
  | { readonly is: "error"; readonly message: string };

const EVERY_MS = 100;
const abort = new AbortController();

reportRequests();
addEventListener("message", ({ data }: MessageEvent<Task | "stop">) => {
  if (data === "stop") abort.abort();
  else void run(data);
});

async function run({ work, model, hub: frame }: Task): Promise<void> {
  const { signal } = abort;
  const sources = { base: new URL("./", location.href), own: ownServer, hub: frame && hub(frame) };
  const told = throttled((done, total, stage) => tell({ is: "progress", done, total, stage }));
  try {
    await inTurn(model.name, signal, () =>
      work === "verify" ? verify(model, told, signal) : download(model, sources, told, signal),
    );
    tell({ is: "done" });
  } catch (error) {
    tell(signal.aborted ? { is: "stopped" } : faultOf(StoreError.of(error, model.name)));
  }
}

function faultOf(error: unknown): Told {
  if (!(error instanceof StoreError)) return { is: "error", message: String(error) };
  const { code, detail, neededBytes, freeBytes } = error;
  return { is: "fault", fault: { code, detail, neededBytes, freeBytes } };
}

function tell(told: Told): void {
  postMessage(told);
}

function throttled(onProgress: OnProgress): OnProgress {
  let last = -Infinity;
  return (done, total, stage) => {
    const now = performance.now();
    if (now - last < EVERY_MS && done < total) return;
    last = now;
    onProgress(done, total, stage);
  };
}
