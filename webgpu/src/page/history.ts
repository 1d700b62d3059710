// What each answer took, kept in this browser and nowhere else: the latest ones, for the chart.

import type { Turn } from "../types";
import { Cell } from "./cell";
import { keep, recall } from "./kept";

const STORED = "webgpu-turns";
export const MOST = 200;

export const turns = new Cell<readonly Turn[]>(stored());
export const running = new Cell<Turn | null>(null); // the answer being written, for the live chart

export function add(turn: Turn): void {
  turns.value = [...turns.value, turn].slice(-MOST);
  keep(STORED, JSON.stringify(turns.value));
}

export function clear(): void {
  turns.value = [];
  keep(STORED, "");
}

const FEWEST_READ = 16; // tokens: under that, the time is that of one step, whatever is read

/** Of the prompt, without what was cached; null when that is too little, or not known. */
export function readPerS(turn: Turn): number | null {
  if (turn.promptTokens === null || !turn.firstTokenMs) return null;
  const read = turn.promptTokens - (turn.cachedTokens ?? 0);
  return read >= FEWEST_READ ? (1000 * read) / turn.firstTokenMs : null;
}

const COLUMNS: readonly (readonly [string, (turn: Turn) => string | number | null])[] = [
  ["at", (turn) => turn.at],
  ["where", (turn) => turn.where],
  ["model", (turn) => turn.model],
  ["backend", (turn) => turn.backend],
  ["prompt_tokens", (turn) => turn.promptTokens],
  ["cached_tokens", (turn) => turn.cachedTokens],
  ["completion_tokens", (turn) => turn.completionTokens],
  ["retrieve_ms", (turn) => rounded(turn.retrieveMs)],
  ["first_token_ms", (turn) => rounded(turn.firstTokenMs)],
  ["total_ms", (turn) => rounded(turn.totalMs)],
  ["prefill_tokens_per_s", (turn) => rounded(readPerS(turn))],
  ["tokens_per_s", (turn) => rounded(turn.tokensPerS)],
];

/** RFC 4180; an unknown value is empty. */
export function csv(all: readonly Turn[]): string {
  const rows = all.map((turn) => COLUMNS.map(([, value]) => field(value(turn))));
  return [COLUMNS.map(([name]) => name), ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

// A spreadsheet runs what begins like a formula, and a server names its models as it likes.
function field(value: string | number | null): string {
  const text = String(value ?? "").replace(/^(?=[=+@\t-]\D)/, "'");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 100) / 100;
}

function stored(): readonly Turn[] {
  try {
    const kept: unknown = JSON.parse(recall(STORED) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isTurn).slice(-MOST) : [];
  } catch {
    return [];
  }
}

function isTurn(value: unknown): value is Turn {
  const turn = value as Turn | null;
  return typeof turn?.model === "string" && typeof turn.totalMs === "number";
}
