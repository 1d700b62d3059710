// The worker of one download, or of one reading through: it is told once what to do.

import type { Model, OnProgress, Stage } from "../types.js";
import { reportRequests } from "../privacy/report.js";
import { download, inTurn, verify } from "./download.js";
import { StoreError, type Fault } from "./errors.js";
import { hub, ownServer } from "./sources.js";

export interface Task {
  readonly work: "download" | "verify";
  readonly model: Model;
}

// What the page says to it: its task, to stop, or the line to the model hub's frame.
export type Order = Task | "stop" | MessagePort;

export type Told =
  | { readonly is: "progress"; readonly done: number; readonly total: number; readonly stage: Stage }
  | { readonly is: "hub" } // it wants that line
  | { readonly is: "done" }
  | { readonly is: "stopped" }
  | { readonly is: "fault"; readonly fault: Fault }
  | { readonly is: "error"; readonly message: string };

const EVERY_MS = 100;
const abort = new AbortController();

let giveLine: (line: MessagePort) => void = () => undefined;
let line: Promise<MessagePort> | null = null;

reportRequests();
addEventListener("message", ({ data }: MessageEvent<Order>) => {
  if (data === "stop") abort.abort();
  else if (data instanceof MessagePort) giveLine(data);
  else void run(data);
});

async function run({ work, model }: Task): Promise<void> {
  const { signal } = abort;
  const sources = { base: new URL("./", location.href), own: ownServer, hub: hub(lineToHub) };
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

function lineToHub(): Promise<MessagePort> {
  return (line ??= new Promise((resolve) => {
    giveLine = resolve;
    tell({ is: "hub" });
  }));
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
