// Builds the page into public/webgpu: `make web`, which needs Node 20. Running the page needs none.
//
// A build of the same sources gives the same files. Only shared parts carry a hash in their names.

import { build } from "esbuild";
import { cp, mkdir, rm } from "node:fs/promises";

const out = process.env.OUT ?? "../public/webgpu";

// What is fetched only when it is needed, as it came from its package.
const ASSETS = {
  "node_modules/@wllama/wllama/esm/wasm/wllama.wasm": "engines/wllama.wasm",
  // For browsers without JSPI or 64-bit memory.
  "node_modules/@wllama/wllama-compat/wasm/wllama.js": "engines/wllama-compat.js",
  "node_modules/@wllama/wllama-compat/wasm/wllama.wasm": "engines/wllama-compat.wasm",
  // The one build that has WebGPU and runs in every browser.
  "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs": "engines/ort.js",
  "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm": "engines/ort.wasm",
  "node_modules/pdfjs-dist/build/pdf.worker.min.mjs": "pdf.worker.js",
};

await rm(`${out}/parts`, { recursive: true, force: true }); // those of the last build
await build({
  entryPoints: {
    app: "src/page/main.ts",
    engine: "src/engine/worker.ts",
    hub: "src/models/hub.ts",
    parts: "src/parts.ts", // what the tests compare with the server's own
    "service-worker": "src/service-worker.ts",
  },
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  conditions: ["onnxruntime-web-use-extern-wasm"], // its own copy of ort.js left out
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  chunkNames: "parts/[name]-[hash]",
  logLevel: "warning",
});
for (const [from, to] of Object.entries(ASSETS)) {
  await mkdir(`${out}/${to}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await cp(from, `${out}/${to}`);
}
await cp("static", out, { recursive: true });
