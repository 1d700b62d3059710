// The script of hub.html: the one page of ours that may ask the model hub for something.
//
// It runs in a frame with an origin of its own that is nobody's (`sandbox allow-scripts`): it can
// read neither the page around it nor what the browser stores for it. It is told the address of a
// file and an offset, and hands back the bytes. Its policy (policy.json) names the hub's hosts and
// nothing else, not even the server that it came from. All it can do is in this file, which stands
// in hub.html as it is, under its hash.

export interface HubRequest {
  readonly url: string;
  readonly offset: number;
}

export type HubAnswer =
  | { readonly is: "open"; readonly start: number }
  | { readonly is: "piece"; readonly bytes: Uint8Array }
  | { readonly is: "end" }
  | { readonly is: "failed"; readonly reason: string };

async function answerTo({ url, offset }: HubRequest, stop: AbortSignal): Promise<Response> {
  if (self.origin !== "null") throw new Error("this frame is not shut off from the page");
  const answer = await fetch(url, {
    credentials: "omit",
    referrerPolicy: "no-referrer",
    headers: offset > 0 ? { Range: `bytes=${offset}-` } : {},
    signal: stop,
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer;
}

async function* answersTo(request: HubRequest, stop: AbortSignal): AsyncGenerator<HubAnswer> {
  try {
    const answer = await answerTo(request, stop);
    yield { is: "open", start: answer.status === 206 ? request.offset : 0 };
    const reader = answer.body?.getReader();
    for (;;) {
      const read = await reader?.read();
      if (!read || read.done) break;
      yield { is: "piece", bytes: read.value };
    }
    yield { is: "end" };
  } catch (error) {
    yield { is: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function serve(request: HubRequest, port: MessagePort): void {
  const abort = new AbortController();
  const answers = answersTo(request, abort.signal);
  port.onmessage = async ({ data }: MessageEvent<"more" | "stop">) => {
    if (data === "stop") return abort.abort();
    const { value } = await answers.next();
    if (value) port.postMessage(value, value.is === "piece" ? [value.bytes.buffer] : []);
  };
}

addEventListener("message", ({ source, ports: [requests] }) => {
  if (source !== parent || !requests) return;
  requests.onmessage = ({ data, ports: [port] }: MessageEvent<HubRequest>) => {
    if (port) serve(data, port);
  };
});
