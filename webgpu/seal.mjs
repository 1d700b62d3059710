// The last step of a build: puts the policy into what it is for, and the list of files into the
// service worker. It goes over the finished folder, so it must come after everything else.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";

// Not kept for later: what tests import, what browsers never ask for, what must be the newest.
const LEFT_OUT = /^(parts\.js|policy\.json|models\.json|service-worker\.js|.*\.txt)$/;

/** `core` says which files are fetched at the first visit, by path in the folder `out`. */
export async function seal(out, core, options) {
  const policy = await sealHub(out, options);
  await writeFile(`${out}/policy.json`, `${JSON.stringify(policy, null, 2)}\n`);
  await sealPage(out, policy);
  const define = {
    FILES: JSON.stringify(await listed(out, core)),
    POLICY: JSON.stringify(policy),
  };
  await build({
    ...options,
    entryPoints: ["src/service-worker.ts"],
    outfile: `${out}/service-worker.js`,
    format: "iife",
    define,
  });
}

// hub.html holds its script, and its policy the script's hash: it can then fetch nothing of ours.
async function sealHub(out, options) {
  const built = await build({
    ...options,
    entryPoints: ["src/models/hub.ts"],
    format: "iife",
    legalComments: "none",
    minify: false, // to be read by whoever opens it
    write: false,
  });
  const script = built.outputFiles[0].text.trim();
  const source = await readFile("static/policy.json", "utf8");
  const policy = JSON.parse(source.replace("SCRIPT", hashOf(script)));
  const html = await readFile("static/hub.html", "utf8");
  const sealed = html
    .replace("<script></script>", () => `<script>${script}</script>`)
    .replace('<meta charset="utf-8">', (tag) => tag + meta(policy.files["hub.html"]));
  await writeFile(`${out}/hub.html`, sealed);
  return policy;
}

// A host that sends no headers: until the service worker does, the page says it itself.
async function sealPage(out, policy) {
  const path = `${out}/index.html`;
  const html = await readFile(path, "utf8").catch(() => null);
  if (html === null) return;
  await writeFile(path, html.replace('<meta charset="utf-8">', (tag) => tag + meta(policy.headers)));
}

// Two directives are for headers alone.
function meta(headers) {
  const directives = headers["Content-Security-Policy"].split("; ");
  const content = directives.filter((one) => !/^(frame-ancestors|sandbox)/.test(one)).join("; ");
  return `\n    <meta http-equiv="Content-Security-Policy" content="${content}">`;
}

async function listed(out, core) {
  const paths = await readdir(out, { recursive: true, withFileTypes: true });
  const files = {};
  for (const entry of paths.filter((one) => one.isFile())) {
    const path = `${entry.parentPath}/${entry.name}`.slice(out.length + 1).replaceAll("\\", "/");
    if (LEFT_OUT.test(path)) continue;
    const bytes = await readFile(`${out}/${path}`);
    files[path] = { integrity: hashOf(bytes), bytes: bytes.length, isCore: core(path) };
  }
  return Object.fromEntries(Object.entries(files).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function hashOf(bytes) {
  return `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
}
