// In a worker: tells the page that started it what it asks of the network.

import { seeRequests, type Seen } from "./seeing.js";

export const CHANNEL = "webgpu-requests";

export interface Report extends Seen {
  readonly page: string; // the name that the page gave the worker; every tab hears every report
}

let channel: BroadcastChannel | null = null;

export function reportRequests(): void {
  seeRequests(report);
}

/** A request that this worker has others make for it. */
export function noteRequest(url: string): void {
  report({ url, how: "network" });
}

function report(seen: Seen): void {
  channel ??= new BroadcastChannel(CHANNEL);
  const told: Report = { ...seen, page: self.name };
  channel.postMessage(told);
}
