// Keeps the page's own files, so that it opens without its server, and gives every answer the
// page's policy, so that any static host will do.
//
// What is kept is named by path and hash: an update fetches what has changed, and a page is never
// put together from two builds. Weights do not pass through here (models/store.ts keeps them), nor
// does any other route of the server.

import { isFile, KEPT } from "./privacy/seeing.js";

interface PageFile {
  readonly integrity: string;
  readonly bytes: number;
  readonly isCore: boolean; // fetched at the first visit; others when they are first used
}

// Put in by seal.mjs when the page is built.
declare const FILES: Readonly<Record<string, PageFile>>;
declare const POLICY: {
  readonly headers: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

// What this file uses of the types that only a service worker has.
interface Waiting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Waiting {
  readonly request: Request;
  readonly clientId: string;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    claim(): Promise<void>;
    get(id: string): Promise<{ readonly url: string } | undefined>;
    matchAll(options: object): Promise<readonly { postMessage(message: unknown): void }[]>;
  };
  skipWaiting(): Promise<void>;
}

const worker = self as unknown as Scope;
const BASE = new URL("./", location.href);
const CACHE = "webgpu-page";
const FROM_HERE = { "Server-Timing": KEPT }; // what the page counts by (privacy/seeing.ts)
const LIST = "models.json"; // may change at any time: the newest, or else the last seen

addEventListener("install", (event) => {
  (event as Waiting).waitUntil(install());
});

addEventListener("activate", (event) => {
  (event as Waiting).waitUntil(Promise.all([forgetOthers(), worker.clients.claim()]));
});

addEventListener("message", (event) => {
  if (event.data === "take") (event as unknown as Waiting).waitUntil(takeOver());
  if (event.data === "keep") (event as unknown as Waiting).waitUntil(keepAll());
});

addEventListener("fetch", (event) => {
  const fetching = event as Fetching;
  const path = pathOf(fetching.request);
  if (path === null) return;
  const answered = answer(path, fetching.request);
  fetching.respondWith(answered);
  fetching.waitUntil(answered.then((sent) => tellForUnseen(fetching, sent), () => undefined));
});

/** Within the page's folder; null for what is none of our business. */
function pathOf({ method, url }: Request): string | null {
  const { href } = new URL(url);
  const path = href.slice(BASE.href.length).replace(/[?#].*$/, "");
  if (method !== "GET" || !href.startsWith(BASE.href)) return null;
  return isFile(path) && !path.startsWith("models/") ? path || "index.html" : null;
}

async function answer(path: string, request: Request): Promise<Response> {
  if (path === LIST) return newest(path);
  if (!FILES[path]) return dressed(await fetch(request), path);
  const kept = await (await caches.open(CACHE)).match(keyOf(path));
  if (kept) return dressed(kept, path, FROM_HERE);
  try {
    return dressed(await bring(path), path);
  } catch {
    // The server has another build, or is gone: files of two builds do not go together.
    await worker.registration.update().catch(() => undefined);
    return Response.error();
  }
}

async function newest(path: string): Promise<Response> {
  try {
    return dressed(await bring(path), path);
  } catch {
    const kept = await (await caches.open(CACHE)).match(keyOf(path));
    return kept ? dressed(kept, path, FROM_HERE) : Response.error();
  }
}

/** Fetches a file, checks it against the build, and keeps it. */
async function bring(path: string): Promise<Response> {
  const integrity = FILES[path]?.integrity ?? "";
  const url = new URL(path === "index.html" ? "./" : path, BASE);
  const get = (cache: RequestCache) => fetch(url, { integrity, cache });
  // What the browser's own cache holds may be of a former build.
  const fetched = await get(integrity ? "default" : "no-cache").catch(() => get("reload"));
  if (!fetched.ok) throw new Error(`${path}: ${fetched.status}`);
  const copy = fetched.clone();
  await (await caches.open(CACHE)).put(keyOf(path), copy).catch(() => undefined); // no room
  return fetched;
}

function dressed(answer: Response, path: string, more: Readonly<Record<string, string>> = {}): Response {
  if (answer.type === "error" || answer.type === "opaqueredirect") return answer;
  const headers = new Headers(answer.headers);
  headers.delete("Content-Encoding"); // the body is as it was before
  headers.delete("Content-Length");
  for (const [name, value] of Object.entries({ ...POLICY.headers, ...POLICY.files[path], ...more })) {
    headers.set(name, value);
  }
  const { status, statusText } = answer;
  const hasNoBody = status === 204 || status === 304;
  return new Response(hasNoBody ? null : answer.body, { status, statusText, headers });
}

// Where engines are kept a model is, too: an update must answer without the network as before.
async function install(): Promise<void> {
  const kept = await (await caches.open(CACHE)).keys();
  const isWhole = kept.some(({ url }) => url.startsWith(`${BASE.href}engines/`));
  const paths = Object.keys(FILES).filter((path) => isWhole || FILES[path]?.isCore);
  await keep([...paths, LIST]);
}

async function keepAll(): Promise<void> {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  const bytes = Object.values(FILES).reduce((sum, file) => sum + file.bytes, 0);
  if (quota - usage > 2 * bytes) await keep(Object.keys(FILES));
}

async function keep(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const path of paths) {
    if (path !== LIST && (await cache.match(keyOf(path)))) continue;
    await tell(new URL(path, BASE).href);
    const brought = bring(path);
    await (path === LIST ? brought.catch(() => undefined) : brought); // a page may have no list yet
  }
}

// An engine starts workers of its own, from blobs, which report nothing to the page.
async function tellForUnseen({ clientId, request }: Fetching, sent: Response): Promise<void> {
  if (sent.headers.get("Server-Timing") === KEPT) return;
  const client = await worker.clients.get(clientId);
  if (client?.url.startsWith("blob:")) await tell(request.url);
}

// The page counts what is fetched on its behalf (privacy/requests.ts).
async function tell(url: string): Promise<void> {
  for (const tab of await worker.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    tab.postMessage({ url, how: "network" });
  }
}

async function takeOver(): Promise<void> {
  const tabs = await worker.clients.matchAll({ type: "window" });
  if (tabs.length < 2) await worker.skipWaiting();
}

async function forgetOthers(): Promise<void> {
  const cache = await caches.open(CACHE);
  const ours = new Set([...Object.keys(FILES), LIST].map(keyOf));
  for (const { url } of await cache.keys()) {
    if (url.startsWith(BASE.href) && !ours.has(url)) await cache.delete(url);
  }
}

function keyOf(path: string): string {
  return new URL(`${path}?${FILES[path]?.integrity ?? ""}`, BASE).href;
}
