// Builds the page into public/webgpu: `make web`, which needs Node 20. Running the page needs none.
//
// A build of the same sources gives the same files. Only shared parts carry a hash in their names.

import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { seal } from "./seal.mjs";

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
  "node_modules/pdfjs-dist/legacy/build/pdf.worker.min.mjs": "pdf.worker.js",
  "node_modules/@wllama/wllama/LICENCE": "engines/wllama.LICENCE.txt",
  "node_modules/@huggingface/transformers/LICENSE": "engines/transformers.LICENCE.txt",
  "node_modules/pdfjs-dist/LICENSE": "pdf.LICENCE.txt",
};

const ENGINES = ["@huggingface/transformers", "@wllama/wllama"]; // named where a machine is measured

await rm(out, { recursive: true, force: true }); // the last build, some of whose files may be no more
const options = {
  bundle: true,
  target: "es2022",
  conditions: ["onnxruntime-web-use-extern-wasm"], // its own copy of ort.js left out
  minify: true,
  sourcemap: false,
  legalComments: "linked",
  logLevel: "warning",
};
const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));
const { metafile } = await build({
  ...options,
  define: { VERSIONS: JSON.stringify(ENGINES.map((name) => `${name} ${dependencies[name]}`).join(", ")) },
  entryPoints: {
    app: "src/page/main.ts",
    engine: "src/engine/worker.ts",
    parts: "src/parts.ts", // what the tests compare with the server's own
    store: "src/models/worker.ts",
  },
  outdir: out,
  splitting: true,
  format: "esm",
  chunkNames: "parts/[name]-[hash]",
  metafile: true,
});
for (const [from, to] of Object.entries(ASSETS)) {
  await mkdir(`${out}/${to}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await cp(from, `${out}/${to}`);
}
await cp("static", out, { recursive: true });
await cp("node_modules/uplot/dist/uPlot.min.css", `${out}/uplot.css`);
await cp("../public/icon.svg", `${out}/icon.svg`);
await writeFile(`${out}/theme.css`, theme(JSON.parse(await readFile("../public/theme.json", "utf8"))));

// Notices stay as they are, but for where a package can be had.
for (const path of Object.keys(metafile.outputs).filter((one) => one.endsWith(".LEGAL.txt"))) {
  const notice = await readFile(path, "utf8");
  await writeFile(path, notice.replace(/ \(https:\/\/www\.npmjs\.com[^)]*\)/g, ""));
}

// What the page needs at once; the rest is fetched when it is first used.
const outputs = Object.entries(metafile.outputs).map(([path, made]) => [inFolder(path), made]);
const made = new Map(outputs);
const atOnce = new Set(["app.js", "store.js"]);
for (const path of atOnce) {
  const imports = (made.get(path)?.imports ?? []).filter((one) => one.kind === "import-statement");
  for (const one of imports) atOnce.add(inFolder(one.path));
}
const later = new Set([...made.keys(), ...Object.values(ASSETS)].filter((path) => !atOnce.has(path)));
await seal(out, (path) => !later.has(path), options);

function inFolder(path) {
  return relative(resolve(out), resolve(path)).replaceAll("\\", "/");
}

// The chat's own colours and fonts, so that both pages are of one look.
function theme({ variables: { light, dark } }) {
  const rule = (selector, values) =>
    `${selector} {\n${Object.entries(values).map(([name, value]) => `  ${name}: ${value};\n`).join("")}}\n`;
  return rule(":root", light) + rule(".dark", dark);
}
