// Which passages the model reads: hits and a budget in, numbered passages out. What did not get in
// is kept with the reason. As rag/answering/context.py, but for the tokens, which are estimated.

import { casefold } from "../retrieval/words.js";
import type { Chunk, Context, Hit } from "../types.js";
import { hasDigit } from "./grounding.js";
import { defusedPassage } from "./safety.js";
import { estimateTokens, type TokenCounter } from "../retrieval/tokens.js";

export const SEPARATOR = "\n\n";
const SAME_PLACE = 0.5; // of a passage lying inside another of its page: it says too little new
const SAME_WORDS = 0.9; // of two passages' words taken together
const LONGEST_NAME = 120;

type Dropped = Context["dropped"][number];

/** The best hits that fit: at most `maxPassages` and, headers included, `budgetTokens`. */
export function pack(
  hits: readonly Hit[],
  budgetTokens: number,
  maxPassages: number,
  count: TokenCounter = estimateTokens,
): Context {
  const kept: Hit[] = [];
  const dropped: Dropped[] = [];
  let text = "";
  for (const hit of hits) {
    const longer = [text, passage(kept.length + 1, hit.chunk)].filter(Boolean).join(SEPARATOR);
    const reason = reasonAgainst(hit, kept, maxPassages, () => count(longer) > budgetTokens);
    if (reason) {
      dropped.push({ hit, reason });
    } else {
      kept.push(hit);
      text = longer;
    }
  }
  return { text, hits: kept, tokenCount: count(text), budgetTokens, dropped };
}

function reasonAgainst(
  hit: Hit,
  kept: readonly Hit[],
  maxPassages: number,
  isTooLong: () => boolean,
): Dropped["reason"] | null {
  if (kept.some((other) => saysTheSame(hit.chunk, other.chunk))) return "twin";
  if (kept.length >= maxPassages) return "passages";
  return isTooLong() ? "budget" : null;
}

function passage(number: number, chunk: Chunk): string {
  const parts = [oneLine(chunk.documentName), `page ${chunk.page}`, oneLine(chunk.section)];
  return `[${number}] ${parts.filter(Boolean).join(", ")}\n${defusedPassage(chunk.text)}`;
}

function oneLine(text: string): string {
  const words = defusedPassage(text).split(/\s+/).filter(Boolean);
  return [...words.join(" ")].slice(0, LONGEST_NAME).join("");
}

function saysTheSame(chunk: Chunk, other: Chunk): boolean {
  if (chunk.documentId === other.documentId && chunk.page === other.page) {
    const shared = Math.min(chunk.end, other.end) - Math.max(chunk.start, other.start);
    if (shared >= SAME_PLACE * Math.max(1, chunk.end - chunk.start)) return true;
  }
  const [words, others] = [wordsOf(chunk.text), wordsOf(other.text)];
  const shared = [...words].filter((word) => others.has(word));
  const apart = [...words, ...others].filter((word) => !words.has(word) || !others.has(word));
  if (apart.some(hasDigit)) return false; // as in two rows of a table
  return shared.length >= SAME_WORDS * Math.max(1, shared.length + apart.length);
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(casefold(text).match(/[\p{L}\p{N}_]+/gu));
}
