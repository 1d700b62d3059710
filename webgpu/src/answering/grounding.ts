// How much of a sentence stands in a passage: words and terms in, shares out. As the server's
// rag/answering/grounding.py. Purely lexical: stems, numbers and names must occur, in whatever order.

import { contentWords } from "../retrieval/analysis.js";
import { wordTerms } from "../retrieval/words.js";

const LIST_NUMBER = /^[ \t]*\d{1,3}[.)](?=[ \t])/gm;
const DIGIT = /[\p{Nd}²³¹⁰⁴-⁹₀-₉]/u;

type Word = readonly string[]; // its terms; of a compound the whole first, then its parts

/** The content words of a text, as terms. */
export class Claim {
  private readonly words: readonly Word[];

  /** `language` is the passage's, so that both are stemmed by the same rules. */
  constructor(text: string, language: string) {
    this.words = content(text, new Set([language])).map((word) => wordTerms(word, language)).filter((terms) => terms.length);
  }

  /** Share of the words that `terms` holds, 0 to 1; 0 for a claim without words. */
  shareIn(terms: ReadonlySet<string>): number {
    return this.words.length ? this.countIn(terms) / this.words.length : 0;
  }

  countIn(terms: ReadonlySet<string>): number {
    return this.words.filter((word) => isIn(word, terms)).length;
  }

  /** Whether every number stands there; true where there is none. */
  numbersIn(terms: ReadonlySet<string>): boolean {
    return this.words.every((word) => !hasDigit(word[0]!) || isIn(word, terms));
  }
}

/** The distinct words without stop words and the numbers of list items. */
export function content(text: string, languages: ReadonlySet<string> = new Set()): readonly string[] {
  return contentWords(text.replace(LIST_NUMBER, ""), languages)[0];
}

/** Whether the whole or, of a compound, all its parts are there. */
function isIn([whole, ...parts]: Word, terms: ReadonlySet<string>): boolean {
  return terms.has(whole!) || (parts.length > 0 && parts.every((part) => terms.has(part)));
}

export function hasDigit(word: string): boolean {
  return DIGIT.test(word);
}
