// Counts what is really sent to the GPU of this worker, and notices when it goes away.
//
// An engine asked for WebGPU may compute on the processor without a word; the compute passes it
// dispatched are the proof. Wrapped before an engine is loaded, once a worker.

export interface GpuWatch {
  readonly dispatches: number; // since the watch began
  readonly lost: Promise<string>; // resolves when a device is lost that nobody destroyed
}

export function watchGpu(): GpuWatch | null {
  if (typeof GPUComputePassEncoder === "undefined") return null;
  const watch = { dispatches: 0, lost: new Promise<string>(() => {}) };
  const pass = GPUComputePassEncoder.prototype;
  for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"] as const) {
    const dispatch = pass[name] as (...sizes: unknown[]) => undefined;
    Object.assign(pass, {
      [name](this: GPUComputePassEncoder, ...sizes: unknown[]) {
        watch.dispatches += 1;
        return dispatch.apply(this, sizes);
      },
    });
  }
  watch.lost = new Promise((resolve) => {
    const adapter = GPUAdapter.prototype;
    const request = adapter.requestDevice;
    adapter.requestDevice = async function (this: GPUAdapter, descriptor) {
      const device = await request.call(this, descriptor);
      void device.lost.then((info) => {
        if (info.reason !== "destroyed") resolve(info.message || "the GPU went away");
      });
      return device;
    };
  });
  return watch;
}
