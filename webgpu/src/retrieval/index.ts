// A collection of chunks that can be searched: chunks in, ranked hits out. It never changes; adding
// or removing gives another, so that a question in flight keeps its view.
//
// No postings: a scan of the counts of 10,000 chunks takes a few milliseconds (decision 0116).

import type { Chunk, Hit } from "../types.js";
import { chunkTerms, queryTerms, type Query } from "./analysis.js";
import { idf, lengthNorm, ranked, saturation, type Scored } from "./bm25.js";

export interface Counted {
  readonly chunk: Chunk;
  readonly frequencies: ReadonlyMap<string, number>;
  readonly length: number; // terms
}

const SLICE_MS = 8; // of work at a time: half a frame

/** Counts chunks in slices, so that the page goes on answering meanwhile. */
export async function counted(
  chunks: readonly Chunk[],
  onProgress: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Counted[]> {
  const found: Counted[] = [];
  let started = performance.now();
  for (const chunk of chunks) {
    found.push(count(chunk));
    if (performance.now() - started < SLICE_MS) continue;
    onProgress(found.length);
    await pause();
    signal?.throwIfAborted();
    started = performance.now();
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
    const worth = this.#worth([...weights]);
    const average = this.termCount / Math.max(1, this.all.length) || 1;
    const scored = this.all.map((one) => score(one, worth, average)).filter(isFound);
    return ranked(scored, k);
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

  /** Each term's own weight times its idf, where some chunk holds it. */
  #worth(weights: readonly (readonly [string, number])[]): (readonly [string, number])[] {
    return weights.flatMap(([term, weight]) => {
      const holding = this.all.reduce((sum, one) => sum + Number(one.frequencies.has(term)), 0);
      return holding ? [[term, weight * idf(this.all.length, holding)] as const] : [];
    });
  }
}

function count(chunk: Chunk): Counted {
  const frequencies = new Map<string, number>();
  const terms = chunkTerms(chunk);
  for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
  return { chunk, frequencies, length: terms.length };
}

function score(
  one: Counted,
  worth: readonly (readonly [string, number])[],
  averageLength: number,
): Scored {
  const norm = lengthNorm(one.length, averageLength);
  const matchedTerms: string[] = [];
  let score = 0;
  for (const [term, weight] of worth) {
    const frequency = one.frequencies.get(term);
    if (frequency === undefined) continue;
    matchedTerms.push(term);
    score += weight * saturation(frequency, norm);
  }
  return { score, chunk: one.chunk, matchedTerms };
}

function isFound(one: Scored): boolean {
  return one.matchedTerms.length > 0;
}

/** Until the page has drawn and heard what there is. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
