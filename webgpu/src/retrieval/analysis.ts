// Text to search terms: text or a chunk or a question in, terms out. As rag/retrieval/analysis.py.

import type { Chunk } from "../types.js";
import stopWords from "./stopwords.json";
import { folded, isUpper, words, wordSpans, wordTerms } from "./words.js";

const BACKGROUND_WEIGHT = 0.25; // of a term that only earlier turns hold
const OTHER_LANGUAGE_WEIGHT = 0.5; // of a stem by the rules of a language the question is not in
const MAX_QUERY_WORDS = 256; // of a pasted page; more would cost time and find nothing else

// Words too common in a language to tell passages apart: written by the server's own list.
export const STOP_WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(stopWords).map(([language, listed]) => [language, new Set(listed.split(" "))]),
);

export interface Query {
  readonly text: string;
  readonly background?: string; // earlier turns; their terms weigh less
}

/** The terms of `text` in order, repeated as often as they occur. */
export function terms(text: string, language: string): string[] {
  return words(text).flatMap((word) => wordTerms(word, language));
}

/** What a chunk is found by: the title of its document, its section and its text. */
export function chunkTerms(chunk: Chunk): string[] {
  const title = stemOf(chunk.documentName).replace(/(?<=[a-z])(?=[A-Z])|_+/g, " ");
  return terms(`${title}\n${chunk.section}\n${chunk.text}`, chunk.language);
}

/** The terms to search for and their weights, for a collection in these `languages`. */
export function queryTerms(query: Query, languages: ReadonlySet<string>): Map<string, number> {
  const weights = weighed(query.text, languages);
  if (query.background) {
    for (const [term, weight] of weighed(query.background, languages)) {
      if (!weights.has(term)) weights.set(term, BACKGROUND_WEIGHT * weight);
    }
  }
  return weights;
}

/** The distinct words of a question that matter, and the languages it may well be in. */
export function contentWords(
  text: string,
  languages: ReadonlySet<string>,
): readonly [readonly string[], ReadonlySet<string>] {
  const distinct = [...new Set(words(text))];
  const bare = distinct.map((word) => folded(word.toLowerCase()));
  const likely = likeliest(bare, languages);
  if (!likely.size) return [distinct.slice(0, MAX_QUERY_WORDS), likely];
  const lists = [...likely].map((language) => STOP_WORDS.get(language)!);
  const isStopWord = (plain: string) => lists.every((list) => list.has(plain));
  const shouted = isUpper(text);
  const content = distinct.filter(
    // the US, IT, WHO
    (word, at) => !isStopWord(bare[at]!) || (isUpper(word) && [...word].length > 1 && !shouted),
  );
  return [(content.length ? content : distinct).slice(0, MAX_QUERY_WORDS), likely];
}

/** Where `text` holds one of the `wanted` terms: start and end of each word, in order. */
export function* spans(
  text: string,
  wanted: ReadonlySet<string>,
  language: string,
): Generator<readonly [number, number]> {
  for (const [start, end, word] of wordSpans(text)) {
    if (wordTerms(word, language).some((term) => wanted.has(term))) yield [start, end];
  }
}

function weighed(text: string, languages: ReadonlySet<string>): Map<string, number> {
  const [content, likely] = contentWords(text, languages);
  const isForeign = [...likely].every((language) => !languages.has(language));
  const weights = new Map<string, number>();
  for (const language of languages.size ? [...languages].sort() : [""]) {
    const weight = isForeign || likely.has(language) ? 1 : OTHER_LANGUAGE_WEIGHT;
    for (const term of content.flatMap((word) => wordTerms(word, language))) {
      weights.set(term, Math.max(weight, weights.get(term) ?? 0));
    }
  }
  return weights;
}

/** The languages with the most stop words among `bare`; several when they are level.
 *
 * One word does not make a question foreign to the collection: "Die Hard" is not German. */
function likeliest(bare: readonly string[], languages: ReadonlySet<string>): Set<string> {
  const distinct = [...new Set(bare)];
  const isKnown = [...languages].some((language) => STOP_WORDS.has(language));
  const votes = [...STOP_WORDS].map(([language, list]) => {
    const foreign = isKnown && !languages.has(language);
    return [language, distinct.filter((word) => list.has(word)).length - Number(foreign)] as const;
  });
  const most = Math.max(...votes.map(([, count]) => count));
  return new Set(votes.filter(([, count]) => most > 0 && count === most).map(([one]) => one));
}

/** A file's name without its folder and its last ending. */
function stemOf(name: string): string {
  const last = name.split("/").findLast((part) => part && part !== ".") ?? "";
  const dot = last.lastIndexOf(".");
  return dot > 0 && dot < last.length - 1 ? last.slice(0, dot) : last;
}
