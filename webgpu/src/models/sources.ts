// Where the bytes of a file come from: our own server, or the model hub by way of its frame.

import { noteRequest } from "../privacy/report.js";
import { StoreError } from "./errors.js";
import type { HubAnswer, HubRequest } from "./hub.js";

export interface Bytes {
  readonly start: number; // of the first byte in the file: 0 when the server knows no ranges
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface Source {
  open(url: URL, offset: number, signal: AbortSignal): Promise<Bytes>;
}

/** The app that serves the page has the model, but not yet in the form that is asked for. */
export class NotPrepared extends StoreError {}

export const ownServer: Source = {
  async open(url, offset, signal) {
    const answer = await fetch(url, { ...range(offset), signal, cache: "no-store" });
    if (await asksToPrepare(answer)) throw new NotPrepared("network", url.pathname);
    if (!answer.ok || !answer.body) throw new StoreError("network", `${url.pathname}: ${answer.status}`);
    return { start: startOf(answer, offset), pieces: piecesOf(answer.body) };
  },
};

/** `frame` gives the line to the frame, which is put beside the page when it is first asked for. */
export function hub(frame: () => Promise<MessagePort>): Source {
  return {
    async open(url, offset, signal) {
      const requests = await frame();
      noteRequest(url.href);
      const { port1, port2 } = new MessageChannel(); // for this request alone
      const request: HubRequest = { url: url.href, offset };
      requests.postMessage(request, [port2]);
      const pieces = answers(port1, signal);
      const head = (await pieces.next()).value;
      if (head?.is !== "open") throw new StoreError("network", `${url.host}: ${head?.reason ?? ""}`);
      return { start: head.start, pieces: bytesIn(pieces, url.host) };
    },
  };
}

function range(offset: number): RequestInit {
  return offset > 0 ? { headers: { Range: `bytes=${offset}-` } } : {};
}

function startOf(answer: Response, offset: number): number {
  if (answer.status !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(answer.headers.get("Content-Range") ?? "")?.[1];
  return start === undefined ? offset : Number(start);
}

async function asksToPrepare(answer: Response): Promise<boolean> {
  if (answer.status !== 404 && answer.status !== 409) return false;
  const said: unknown = await answer.json().catch(() => null);
  return typeof said === "object" && said !== null && "prepare" in said;
}

// Not every browser lets a stream of bytes be iterated.
async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

// Each answer is asked for, so that the frame is never ahead of the disk by more than a piece.
async function* answers(port: MessagePort, signal: AbortSignal): AsyncGenerator<HubAnswer> {
  try {
    for (;;) {
      const answer = await ask(port, signal);
      yield answer;
      if (answer.is === "end" || answer.is === "failed") return;
    }
  } finally {
    port.postMessage("stop");
    port.close();
  }
}

function ask(port: MessagePort, signal: AbortSignal): Promise<HubAnswer> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    port.onmessage = ({ data }: MessageEvent<HubAnswer>) => {
      signal.removeEventListener("abort", stop);
      resolve(data);
    };
    port.postMessage("more");
  });
}

async function* bytesIn(pieces: AsyncGenerator<HubAnswer>, host: string): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (piece.is === "failed") throw new StoreError("network", `${host}: ${piece.reason}`);
    if (piece.is === "piece") yield piece.bytes;
  }
}
