// models.json beside the page: which models are offered, how large, from where.
//
// The file is of whoever serves the page, and is not believed: a list that asks for anything odd is
// refused whole, with the field that is.

import type { EngineName, Model, ModelFile } from "../types.js";
import { StoreError } from "./errors.js";

const HUB = "https://huggingface.co/"; // policy.json allows its frame the hosts it redirects to
const LARGEST_BYTES = 16 * 2 ** 30; // of one file: more than any browser gives a page to compute with
const MOST = 64; // models in a list, files in a model, addresses of a file
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const ENGINES: readonly string[] = ["wllama", "transformers"];
const NEEDS: readonly string[] = ["webgpu", "shader-f16"];

export async function fetchModels(base = new URL("./", document.baseURI)): Promise<readonly Model[]> {
  try {
    const answer = await fetch(new URL("models.json", base));
    if (!answer.ok) throw new StoreError("network", `models.json: ${answer.status}`);
    return modelsIn(await answer.json(), base);
  } catch (error) {
    if (error instanceof SyntaxError) throw new StoreError("bad-list", "models.json is not JSON");
    if (error instanceof TypeError) throw new StoreError("network", "models.json");
    throw error;
  }
}

/** `base` is the page's folder. Throws StoreError "bad-list". */
export function modelsIn(value: unknown, base: URL): readonly Model[] {
  const models = listIn(fieldsOf(value, "models.json"), "models").map((model) => modelIn(model, base));
  return distinct(models, "name");
}

function modelIn(value: unknown, base: URL): Model {
  const fields = fieldsOf(value, "models");
  return {
    name: textIn(fields, "name", NAME),
    title: textIn(fields, "title"),
    engine: oneOf(fields.engine, ENGINES, "engine") as EngineName,
    dtype: textIn(fields, "dtype"),
    needs: listIn(fields, "needs").map((need) => oneOf(need, NEEDS, "needs") as Model["needs"][number]),
    licence: textIn(fields, "licence"),
    memoryBytes: numberIn(fields, "memoryBytes", 4 * LARGEST_BYTES),
    contextTokens: numberIn(fields, "contextTokens", 2 ** 20),
    bestPassages: numberIn(fields, "bestPassages", 100),
    files: distinct(someIn(fields, "files").map((file) => fileIn(file, base)), "path"),
  };
}

function fileIn(value: unknown, base: URL): ModelFile {
  const fields = fieldsOf(value, "files");
  return {
    path: pathIn(fields),
    sizeBytes: numberIn(fields, "sizeBytes", LARGEST_BYTES),
    sha256: textIn(fields, "sha256", /^[0-9a-f]{64}$/),
    urls: someIn(fields, "urls").map((url) => urlIn(url, base)),
  };
}

// No step of a path begins with a dot, and none ends as a download that is still coming does.
function pathIn(fields: Fields): string {
  const path = textIn(fields, "path");
  const steps = path.split("/");
  if (!steps.every((step) => NAME.test(step)) || steps.length > 8 || path.endsWith(".part")) {
    throw refused("path", path);
  }
  return path;
}

function urlIn(value: unknown, base: URL): string {
  const text = typeof value === "string" ? value : "";
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  const isBeside = url?.href.startsWith(base.href);
  if (!url || !text || !(isBeside || url.href.startsWith(HUB))) throw refused("urls", value);
  return text;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused(where, value);
  return value as Fields;
}

function listIn(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value) || value.length > MOST) throw refused(name, value);
  return value;
}

function someIn(fields: Fields, name: string): readonly unknown[] {
  const list = listIn(fields, name);
  if (list.length === 0) throw refused(name, list);
  return list;
}

function textIn(fields: Fields, name: string, form = /^.{1,200}$/): string {
  const value = fields[name];
  if (typeof value !== "string" || !form.test(value)) throw refused(name, value);
  return value;
}

function numberIn(fields: Fields, name: string, most: number): number {
  const value = fields[name];
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > most) throw refused(name, value);
  return Number(value);
}

function oneOf(value: unknown, allowed: readonly string[], name: string): string {
  if (typeof value !== "string" || !allowed.includes(value)) throw refused(name, value);
  return value;
}

function distinct<T>(values: readonly T[], by: keyof T): readonly T[] {
  const twin = values.find((one, index) => values.findIndex((other) => other[by] === one[by]) < index);
  if (twin) throw refused(String(by), twin[by]);
  return values;
}

function refused(name: string, value: unknown): StoreError {
  return new StoreError("bad-list", `${name} ${JSON.stringify(value) ?? "missing"}`.slice(0, 200));
}
