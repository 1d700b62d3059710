// What this browser can compute on, as it shows when asked.

import type { Device } from "../types.js";

// What a WebAssembly module of one function with a vector in it looks like.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);
const MOST_THREADS = 8; // more wait for each other

export async function probeDevice(): Promise<Device> {
  const adapter = await requestAdapter();
  const hasThreads = globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== "undefined";
  const cores = Math.floor((navigator.hardwareConcurrency || 1) / 2); // two threads a core, mostly
  return {
    adapter: adapter && {
      vendor: adapter.info.vendor,
      architecture: adapter.info.architecture,
      description: adapter.info.description,
      isFallback: isFallback(adapter),
      features: [...adapter.features].sort(),
      limits: limits(adapter),
    },
    hasThreads,
    hasSimd: typeof WebAssembly !== "undefined" && WebAssembly.validate(SIMD),
    threads: hasThreads ? Math.max(1, Math.min(MOST_THREADS, cores)) : 1,
  };
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  try {
    return (await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? null;
  } catch {
    return null;
  }
}

// Browsers that do not say it of a software adapter name it.
function isFallback(adapter: GPUAdapter): boolean {
  const { info } = adapter as GPUAdapter & { info: { isFallbackAdapter?: boolean } };
  return info.isFallbackAdapter ?? /swiftshader|llvmpipe|basic render/i.test(Object.values(info).join(" "));
}

function limits(adapter: GPUAdapter): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name in adapter.limits) {
    const limit = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof limit === "number") found[name] = limit;
  }
  return found;
}
