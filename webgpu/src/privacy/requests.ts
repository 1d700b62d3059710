// How many requests this tab has made since it was loaded, and what each was for.

import { CHANNEL, type Report } from "./report.js";
import { isFile, seeRequests, type Seen } from "./seeing.js";

export type Purpose =
  | "page" // the files of the page itself
  | "model" // weights, from the server of the page or from the model hub
  | "server" // another route of that server, such as a question to its models
  | "other"; // another machine: the policy forbids it, so any is a fault

export interface RequestCounts extends Readonly<Record<Purpose, number>> {
  readonly refused: number; // by the policy, before anything left the browser
}

const HUB_HOST = /(^|\.)(huggingface\.co|hf\.co)$/;
const NONE: RequestCounts = { page: 0, model: 0, server: 0, other: 0, refused: 0 };
const PAGE = `${performance.timeOrigin} ${Math.random()}`; // tells tabs apart

/** A worker of a file beside the page, whose requests are counted as this page's (report.ts). */
export function startWorker(file: string | URL): Worker {
  return new Worker(new URL(file, document.baseURI), { type: "module", name: PAGE });
}

let see: (seen: Seen) => void = () => undefined; // until someone watches

/** A request that the browser makes for this page and keeps no record of. */
export function countRequest(url: string): void {
  see({ url, how: "network" });
}

/** Call once, first of all. `onChange` is told the sums at each request that left the browser. */
export function watchRequests(onChange: (counts: RequestCounts) => void): void {
  let counts = NONE;
  see = (seen) => {
    const kind = kindOf(seen, new URL("./", document.baseURI));
    if (kind === null) return;
    counts = { ...counts, [kind]: counts[kind] + 1 };
    onChange(counts);
  };
  seeRequests(see);
  new BroadcastChannel(CHANNEL).onmessage = ({ data }: MessageEvent<Report>) => {
    if (data.page === PAGE) see(data);
  };
  // What the service worker fetches of itself, to have it when there is no network.
  navigator.serviceWorker?.addEventListener("message", ({ data }: MessageEvent<Seen>) => see(data));
  navigator.serviceWorker?.startMessages();
}

/** `base` is the page's folder; null: nothing left the browser. */
export function kindOf({ url, how }: Seen, base: URL): keyof RequestCounts | null {
  if (how === "refused") return "refused";
  const { protocol, origin, hostname, pathname } = new URL(url, base);
  if (how === "kept" || !protocol.startsWith("http")) return null;
  if (HUB_HOST.test(hostname)) return "model";
  if (origin !== base.origin) return "other";
  if (!pathname.startsWith(base.pathname)) return "server";
  const path = pathname.slice(base.pathname.length);
  if (path.startsWith("models/")) return "model";
  return isFile(path) ? "page" : "server";
}
