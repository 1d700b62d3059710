// A collection of chunks that can be searched: chunks in, ranked hits out. It never changes; adding
// or removing gives another, so that a question in flight keeps its view.
//
// No postings: a scan of the counts of 10,000 chunks takes a few milliseconds (decision 0116).

import type { Chunk, Hit } from "../types.js";
import { chunkTerms, queryTerms, type Query } from "./analysis.js";
import { idf, lengthNorm, ranked, saturation } from "./bm25.js";
import { Pace } from "./pace.js";

export interface Counted {
  readonly chunk: Chunk;
  readonly frequencies: ReadonlyMap<string, number>;
  readonly length: number; // terms
}

/** Counts chunks in slices, so that the page goes on answering meanwhile. */
export async function counted(
  chunks: readonly Chunk[],
  onProgress: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Counted[]> {
  const pace = new Pace();
  const found: Counted[] = [];
  for (const chunk of chunks) {
    found.push(count(chunk));
    onProgress(found.length);
    await pace.keep(signal);
  }
  return found;
}

export class Index {
  readonly languages: ReadonlySet<string>;
  private readonly termCount: number;

  constructor(private readonly all: readonly Counted[] = []) {
    this.languages = new Set(all.map((one) => one.chunk.language));
    this.termCount = all.reduce((sum, one) => sum + one.length, 0);
  }

  static async of(chunks: readonly Chunk[]): Promise<Index> {
    return new Index(await counted(chunks));
  }

  get chunkCount(): number {
    return this.all.length;
  }

  /** Another index with these as well; they replace what this one has of their documents. */
  with(added: readonly Counted[]): Index {
    const replaced = new Set(added.map((one) => one.chunk.documentId));
    const kept = this.all.filter((one) => !replaced.has(one.chunk.documentId));
    return new Index([...kept, ...added]);
  }

  without(documentId: string): Index {
    return new Index(this.all.filter((one) => one.chunk.documentId !== documentId));
  }

  /** The `k` best chunks that share a term with the query, best first. */
  search(query: Query | string, k: number): Hit[] {
    const asked = typeof query === "string" ? { text: query } : query;
    const weights = queryTerms(asked, this.languages);
    const found = this.all.flatMap((one) => matching(one, weights));
    const worth = this.#worth(weights, found);
    const average = this.termCount / Math.max(1, this.all.length) || 1;
    return ranked(
      found.map(({ one, matched }) => ({
        score: score(matched, worth, lengthNorm(one.length, average)),
        chunk: one.chunk,
        matchedTerms: matched.map(([term]) => term),
      })),
      k,
    );
  }

  /** How its documents begin, the latest first: for a question about them as a whole. */
  openings(k: number): Chunk[] {
    const byDocument = new Map<string, Counted[]>();
    for (const one of this.all) {
      const { documentId } = one.chunk;
      byDocument.set(documentId, [...(byDocument.get(documentId) ?? []), one]);
    }
    const documents = [...byDocument.values()].reverse();
    const longest = Math.max(0, ...documents.map((chunks) => chunks.length));
    const inTurn = Array.from({ length: Math.min(k, longest) }, (_, at) =>
      documents.flatMap((chunks) => chunks[at]?.chunk ?? []),
    );
    return inTurn.flat().slice(0, k);
  }

  /** Each term's own weight times its idf. */
  #worth(weights: ReadonlyMap<string, number>, found: readonly Matching[]): Map<string, number> {
    const holding = new Map<string, number>();
    for (const { matched } of found) {
      for (const [term] of matched) holding.set(term, (holding.get(term) ?? 0) + 1);
    }
    const worth = [...holding].map(
      ([term, chunks]) => [term, weights.get(term)! * idf(this.all.length, chunks)] as const,
    );
    return new Map(worth);
  }
}

interface Matching {
  readonly one: Counted;
  readonly matched: readonly (readonly [string, number])[]; // terms of the query, how often each
}

function matching(one: Counted, weights: ReadonlyMap<string, number>): Matching[] {
  const matched: (readonly [string, number])[] = [];
  for (const term of weights.keys()) {
    const frequency = one.frequencies.get(term);
    if (frequency !== undefined) matched.push([term, frequency]);
  }
  return matched.length ? [{ one, matched }] : [];
}

function score(matched: Matching["matched"], worth: ReadonlyMap<string, number>, norm: number): number {
  return matched.reduce((sum, [term, count]) => sum + worth.get(term)! * saturation(count, norm), 0);
}

function count(chunk: Chunk): Counted {
  const frequencies = new Map<string, number>();
  const terms = chunkTerms(chunk);
  for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  return { chunk, frequencies, length: terms.length };
}
