// A question and a collection in, the passages to answer it from out: those that share its terms, or
// how the documents begin when it is about them as a whole, and so shares no word with them.

import type { Index } from "../retrieval/index.js";
import type { Hit, Message } from "../types.js";
import { background } from "./conversation.js";
import wording from "./wording.json";

const OVERVIEW = whole(wording.overview);
const DOCUMENTS = whole(wording.documents);
const ABOUT_DOCUMENTS = whole(wording.aboutDocuments);

/** The `k` best, best first; those of an overview have no score. `turns`: what it leans on. */
export function found(index: Index, question: string, k: number, turns: readonly Message[] = []): Hit[] {
  // After other turns "what is it about?" is about what they were about.
  const isNew = !turns.length || wordsOf(question).some((word) => DOCUMENTS.test(word));
  if (!isNew || !asksForOverview(question))
    return index.search({ text: question, background: background(turns) }, k);
  return index
    .openings(k)
    .map((chunk, at) => ({ chunk, score: 0, rank: at + 1, matchedTerms: [] }));
}

/** "Summarise this document" does, "Summarise chapter two" does not. */
export function asksForOverview(question: string): boolean {
  const words = wordsOf(question);
  return words.some((word) => OVERVIEW.test(word)) && words.every((word) => ABOUT_DOCUMENTS.test(word));
}

function wordsOf(question: string): readonly string[] {
  return question.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, "iu");
}
