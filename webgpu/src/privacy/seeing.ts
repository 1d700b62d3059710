// What this page, or this worker, asks of the network, as the browser records it.

export interface Seen {
  readonly url: string;
  // "kept": the service worker had it, and nothing left the browser (it says so in Server-Timing).
  readonly how: "network" | "kept" | "refused";
}

export const KEPT = "kept";

/** By its path in the page's folder: files have endings, and what a server does there has none. */
export function isFile(path: string): boolean {
  return path === "" || /\.[a-z0-9]+$/.test(path);
}

/** From the first request on: those before this call are in the browser's record. */
export function seeRequests(see: (seen: Seen) => void): void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) see(seenIn(entry as PerformanceResourceTiming));
  });
  for (const type of ["navigation", "resource"]) {
    if (PerformanceObserver.supportedEntryTypes.includes(type)) observer.observe({ type, buffered: true });
  }
  addEventListener("securitypolicyviolation", (event) => {
    see({ url: (event as SecurityPolicyViolationEvent).blockedURI, how: "refused" });
  });
}

function seenIn({ name, serverTiming }: PerformanceResourceTiming): Seen {
  const isKept = serverTiming?.some((timing) => timing.name === KEPT);
  return { url: name, how: isKept ? "kept" : "network" };
}
