// Has the app that serves the page fetch or convert a model: POST models/NAME, server-sent events.

import { StoreError } from "./errors.js";

type Said =
  | { readonly done: number; readonly total: number }
  | { readonly ready: true }
  | { readonly error: string };

export async function prepare(
  base: URL,
  name: string,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(`models/${encodeURIComponent(name)}`, base);
  const answer = await fetch(url, { method: "POST", signal });
  if (!answer.ok || !answer.body) throw new StoreError("prepare", await sentence(answer));
  for await (const said of events(answer.body)) {
    if ("error" in said) throw new StoreError("prepare", said.error);
    if ("ready" in said) return;
    onProgress(said.done, said.total);
  }
  throw new StoreError("network", url.pathname); // it ended before it was done
}

async function sentence(answer: Response): Promise<string> {
  const said = (await answer.json().catch(() => null)) as { error?: { message?: unknown } } | null;
  const message = said?.error?.message;
  return typeof message === "string" ? message : String(answer.status);
}

async function* events(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Said> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (text + value).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice("data: ".length)) as Said;
    }
  }
}
