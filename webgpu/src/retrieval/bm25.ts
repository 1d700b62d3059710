// BM25, one pure function a formula: counts in, weights and scores out. As rag/retrieval/bm25.py.
//
// Robertson & Zaragoza 2009, with Lucene's idf (Kamphuis et al. 2020), which stays positive.

import type { Chunk, Hit } from "../types.js";

export const K1 = 1.2;
export const B = 0.75;

const EXACT_TO = 24; // Lucene's SmallFloat: a length is this and a number of four significant bits
const BITS = 4;
const DECIMALS = 1e4; // in which scores must differ

/** ln(1 + (N - n + 0.5) / (n + 0.5)); a term that no chunk holds has the highest. */
export function idf(chunkCount: number, documentFrequency: number): number {
  const absent = Math.max(0, chunkCount - documentFrequency);
  return Math.log(1 + (absent + 0.5) / (documentFrequency + 0.5));
}

/** `length` as Lucene keeps it, in one byte: exact to 40, then rounded down (130 is 128). */
export function keptLength(length: number): number {
  const excess = length - EXACT_TO;
  if (excess <= 0) return length;
  const shift = Math.max(0, 32 - Math.clz32(excess) - BITS);
  return EXACT_TO + ((excess >> shift) << shift);
}

/** What an occurrence in a chunk of `length` terms is weighed against; K1 at the average. */
export function lengthNorm(length: number, averageLength: number): number {
  return K1 * (1 - B + (B * keptLength(length)) / averageLength);
}

/** How much `frequency` occurrences count: from 0 towards K1 + 1, in ever smaller steps. */
export function saturation(frequency: number, norm: number): number {
  return (frequency * (K1 + 1)) / (frequency + norm);
}

export interface Scored {
  readonly score: number;
  readonly chunk: Chunk;
  readonly matchedTerms: readonly string[];
}

/** The `k` best as hits; level scores by document name, page and place in the page. */
export function ranked(scored: readonly Scored[], k: number): Hit[] {
  const best = [...scored].sort(inOrder).slice(0, Math.max(0, k));
  return best.map((one, at) => ({ ...one, rank: at + 1 }));
}

function inOrder(one: Scored, other: Scored): number {
  return (
    Math.round(other.score * DECIMALS) - Math.round(one.score * DECIMALS) ||
    compared(one.chunk.documentName, other.chunk.documentName) ||
    one.chunk.page - other.chunk.page ||
    one.chunk.start - other.chunk.start ||
    compared(one.chunk.id, other.chunk.id)
  );
}

function compared(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
