// What went wrong, as a sentence that says what to do: the errors of all parts, mapped in one place.

import { isKey, say, type Key } from "./words";
import { ServerError } from "./server";

export type Remedy = "cpu" | "again";

export interface Problem {
  readonly key: Key;
  readonly detail: string; // shown where the sentence has a place for it
  readonly remedy: Remedy | null; // what a button offers
}

// What a button offers, by the code of an EngineError or a StoreError.
const REMEDIES: Readonly<Partial<Record<string, Remedy>>> = {
  "adapter-lost": "cpu",
  "no-webgpu": "cpu",
  "worker-died": "again",
  failed: "again",
  "not-loaded": "again",
  "no-room": "again",
  network: "again",
  prepare: "again",
  hash: "again",
  busy: "again",
};
export function problemOf(error: unknown): Problem {
  if (error instanceof ServerError) return problem("problem_server", error.message, "again");
  const code = codeOf(error);
  const key = `problem_${code.replaceAll("-", "_")}`;
  if (isKey(key)) return problem(key, detailOf(error), REMEDIES[code] ?? null);
  return problem("problem_unexpected", error instanceof Error ? error.message : String(error), "again");
}

export function problem(key: Key, detail = "", remedy: Remedy | null = null): Problem {
  return { key, detail, remedy };
}

export function told(one: Problem): string {
  return say(one.key, { detail: one.detail }).trim();
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError" || codeOf(error) === "cancelled";
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function detailOf(error: unknown): string {
  const detail = (error as { detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : "";
}
