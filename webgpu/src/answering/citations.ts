// Ties an answer to its passages: a text and a context in, a cited text and exact quotes out. As
// rag/answering/citations.py: marks [n] of the model are checked and kept where they can be; a
// sentence that a passage backs but that cites nothing gets that passage's mark.

import type { Citation, Context } from "../types.js";
import { Claim } from "./grounding.js";
import { Passage } from "./passage.js";
import { isRefusal } from "./refusals.js";
import { inert, outsideBlocks, outsideCode } from "./safety.js";
import { sentenceSpans } from "./sentences.js";

const SUPPORT = 0.6; // share of a sentence's content words that a passage must hold to back it
const PART = 0.3; // of a sentence that cites several passages, what each of them must hold

// [1], [1, 2], [^1], [Passage 1], 【1†source】; not [0], which is no passage but perhaps an index.
const MARK =
  /[ \t]*[[【](?:passages?\s*)?\^?(?!0)(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)(?:†[^】\n]*)?[\]】]/gi;
const CLOSING = /[\s.!?…。|]*$/;

export interface Cited {
  readonly text: string; // whose only marks are [n], each of a passage of the context
  readonly citations: readonly Citation[]; // in order of appearance; several may share a number
  readonly unsupported: readonly string[]; // sentences of `text` that no passage backs
  readonly unknown: readonly number[]; // cited though no passage has the number; taken out
}

/** Check and complete the citations of a model's text; its links and images become text. */
export function resolve(text: string, context: Context, question = ""): Cited {
  const resolver = new Resolver(context.hits.map((hit) => new Passage(hit.chunk, question)));
  const cited = outsideBlocks(inert(text), (part) => resolver.cited(part));
  return {
    text: cited,
    citations: distinct(resolver.citations),
    unsupported: resolver.unsupported,
    unknown: [...resolver.unknown].sort((one, other) => one - other),
  };
}

/** `text` without citations, as it is put into a later prompt, where numbers have moved on. */
export function withoutMarks(text: string): string {
  return outsideCode(text, (part) => part.replace(MARK, ""));
}

/** Goes through a text once, and remembers what it cited and what it had to remove. */
class Resolver {
  readonly citations: Citation[] = [];
  readonly unsupported: string[] = [];
  readonly unknown = new Set<number>();
  readonly #passages: ReadonlyMap<number, Passage>;

  constructor(passages: readonly Passage[]) {
    this.#passages = new Map(passages.map((passage, at) => [at + 1, passage]));
  }

  cited(text: string): string {
    const parts: string[] = [];
    let end = 0;
    for (const [start, stop] of sentenceSpans(text)) {
      parts.push(text.slice(end, start), this.#sentence(text.slice(start, stop)));
      end = stop;
    }
    return [...parts, text.slice(end)].join("");
  }

  #sentence(sentence: string): string {
    const [bare, marked] = unmarked(sentence);
    const claims = claimsOf(bare);
    for (const number of marked) if (!this.#passages.has(number)) this.unknown.add(number);
    const known = [...marked].filter((number) => this.#passages.has(number)).sort((a, b) => a - b);
    const backed = new Set(known.filter((number) => this.#backs(number, known, claims)));
    const claimsNothing = bare.startsWith("#") || isRefusal(bare);
    const best = claimsNothing || backed.size ? null : this.#best(claims);
    if (best !== null) {
      this.#cite(best, claims, true);
      return bare.replace(CLOSING, (closing) => ` [${best}]${closing}`);
    }
    for (const number of known) this.#cite(number, claims, backed.has(number));
    const text = outsideCode(sentence, (part) =>
      part.replace(MARK, (_, numbers: string) => this.#knownOnly(numbers)),
    ).trimStart();
    if (!claimsNothing && !backed.size) this.unsupported.push(text);
    return text;
  }

  /** Whether the passage backs the sentence, or its part of it where several are cited. */
  #backs(number: number, together: readonly number[], claims: Claims): boolean {
    const passage = this.#passages.get(number)!;
    const claim = claims(passage.language);
    if (isBacked(claim, passage.terms)) return true;
    if (together.length === 1) return false;
    const union = new Set(together.flatMap((other) => [...this.#passages.get(other)!.terms]));
    return isBacked(claim, union) && claim.shareIn(passage.terms) >= PART;
  }

  /** The passage that holds most of the sentence, then most of the question. */
  #best(claims: Claims): number | null {
    const backing = [...this.#passages].flatMap(([number, passage]) => {
      const claim = claims(passage.language);
      if (!isBacked(claim, passage.terms)) return [];
      return [{ number, said: claim.shareIn(passage.terms), asked: passage.asked }];
    });
    backing.sort((one, other) => other.said - one.said || other.asked - one.asked || one.number - other.number);
    return backing[0]?.number ?? null;
  }

  #cite(number: number, claims: Claims, supported: boolean): void {
    const passage = this.#passages.get(number)!;
    const { chunk } = passage;
    const [start, end] = passage.quote(claims(chunk.language));
    this.citations.push({
      number,
      documentName: chunk.documentName,
      page: chunk.page,
      quote: chunk.text.slice(start, end),
      start: chunk.start + start,
      end: chunk.start + end,
      supported,
    });
  }

  #knownOnly(numbers: string): string {
    const kept = numbersIn(numbers).filter((number) => this.#passages.has(number));
    return kept.length ? ` ${kept.map((number) => `[${number}]`).join("")}` : "";
  }
}

type Claims = (language: string) => Claim;

/** One sentence as a claim in each language, made when first asked for. */
function claimsOf(sentence: string): Claims {
  const made = new Map<string, Claim>();
  return (language) => {
    const claim = made.get(language) ?? new Claim(sentence, language);
    made.set(language, claim);
    return claim;
  };
}

function isBacked(claim: Claim, terms: ReadonlySet<string>): boolean {
  return claim.shareIn(terms) >= SUPPORT && claim.numbersIn(terms);
}

function unmarked(sentence: string): [string, ReadonlySet<number>] {
  const marked = new Set<number>();
  const bare = outsideCode(sentence, (part) =>
    part.replace(MARK, (_, numbers: string) => {
      for (const number of numbersIn(numbers)) marked.add(number);
      return "";
    }),
  );
  return [bare, marked];
}

function numbersIn(numbers: string): number[] {
  return (numbers.match(/\d+/g) ?? []).map(Number);
}

function distinct(citations: readonly Citation[]): Citation[] {
  return [...new Map(citations.map((one) => [JSON.stringify(one), one])).values()];
}
