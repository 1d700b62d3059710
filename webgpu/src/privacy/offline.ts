// Starts the service worker, which keeps the page for when there is no network.

import { countRequest } from "./requests.js";

const SCRIPT = "service-worker.js";
const RELOADED = "webgpu-reloaded";

export interface OfflineHooks {
  // A newer page is here; it is taken when the page is opened next.
  readonly onUpdate: () => void;
  // Whether nothing would be lost by loading the page again now: asked once, at the first visit.
  readonly mayReload: () => boolean;
}

/** Resolves when the page can do without its server: never where there are no service workers. */
export async function startOffline({ onUpdate, mayReload }: OfflineHooks): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return new Promise(() => undefined); // a private window, or plain http
  countRequest(SCRIPT); // asked for whenever the page is opened
  serviceWorker.register(SCRIPT, { updateViaCache: "none" }).then(
    (registration) => followUpdates(registration, onUpdate),
    () => undefined, // the host has none, or is out of reach
  );
  await serviceWorker.ready;
  if (!crossOriginIsolated && mayReload()) reloadOnce();
}

function followUpdates(registration: ServiceWorkerRegistration, onUpdate: () => void): void {
  if (registration.waiting) takeUpdate(registration.waiting);
  registration.addEventListener("updatefound", () => tellWhenInstalled(registration, onUpdate));
  tellWhenInstalled(registration, onUpdate);
}

// Nothing has been done on this page yet. With another tab open the worker lets it be.
function takeUpdate(waiting: ServiceWorker): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting.postMessage("take");
}

function tellWhenInstalled(registration: ServiceWorkerRegistration, onUpdate: () => void): void {
  const { installing } = registration;
  installing?.addEventListener("statechange", () => {
    if (installing.state === "installed" && registration.active) onUpdate();
  });
}

// A host that sends no headers gives the page no threads; the service worker adds them from the next
// load on. Once a tab, as a browser may have other reasons.
function reloadOnce(): void {
  if (sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
}
