// A question and a collection in, the passages to answer it from out: those that share its terms, or
// how the documents begin when it is about them as a whole, and so shares no word with them.

import type { Index } from "../retrieval/index.js";
import type { Hit } from "../types.js";
import wording from "./wording.json";

const OVERVIEW = whole(wording.overview);
const ABOUT_DOCUMENTS = whole(wording.aboutDocuments);

/** The `k` best, best first; those of an overview have no score. */
export function found(index: Index, question: string, k: number): Hit[] {
  if (!asksForOverview(question)) return index.search(question, k);
  return index
    .openings(k)
    .map((chunk, at) => ({ chunk, score: 0, rank: at + 1, matchedTerms: [] }));
}

/** "Summarise this document" does, "Summarise chapter two" does not. */
export function asksForOverview(question: string): boolean {
  const words = question.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.some((word) => OVERVIEW.test(word)) && words.every((word) => ABOUT_DOCUMENTS.test(word));
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "iu");
}
