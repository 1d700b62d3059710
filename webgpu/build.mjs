// Builds the page into public/webgpu: `make web`, which needs Node 20. Running the page needs none.
//
// Names carry no hash, so that a build of the same sources gives the same files.

import { build } from "esbuild";
import { cp, mkdir } from "node:fs/promises";

const out = process.env.OUT ?? "../public/webgpu";

// What is fetched only when it is needed, as it came from its package.
const ASSETS = {
  "node_modules/@wllama/wllama/esm/wasm/wllama.wasm": "engines/wllama.wasm",
  "node_modules/pdfjs-dist/build/pdf.worker.min.mjs": "pdf.worker.js",
};

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
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  chunkNames: "parts/[name]",
  logLevel: "warning",
});
for (const [from, to] of Object.entries(ASSETS)) {
  await mkdir(`${out}/${to}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await cp(from, `${out}/${to}`);
}
await cp("static", out, { recursive: true });
