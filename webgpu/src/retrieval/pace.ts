// Long work in slices, so that the page goes on drawing and answering meanwhile.

const SLICE_MS = 8; // of work at a time: half a frame

export class Pace {
  #started = performance.now();

  /** Waits, once a slice is over, until the page has done what it has to do. Throws when aborted. */
  async keep(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#started < SLICE_MS) return;
    await turn();
    signal?.throwIfAborted();
    this.#started = performance.now();
  }
}

/** A message to oneself comes back after what was waiting; unlike timers, at once in a hidden tab. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
