// A passage with its terms, and with those of its sentences once one of them is to be quoted.

import { chunkTerms, terms } from "../retrieval/analysis.js";
import type { Chunk } from "../types.js";
import { Claim } from "./grounding.js";
import { sentenceSpans, type Span } from "./sentences.js";

const PAIR_COST = 2; // words that a second sentence must add to be quoted with the first

interface Quotable {
  readonly span: Span;
  readonly terms: ReadonlySet<string>;
  readonly cost: number;
}

export class Passage {
  readonly language: string;
  readonly terms: ReadonlySet<string>; // of title, section and text
  readonly asked: number; // share of the question's words that stand here
  readonly #question: Claim;
  #quotable: readonly Quotable[] | null = null;

  constructor(
    readonly chunk: Chunk,
    question: string,
  ) {
    this.language = chunk.language;
    this.terms = new Set(chunkTerms(chunk));
    this.#question = new Claim(question, chunk.language);
    this.asked = this.#question.shareIn(this.terms);
  }

  /** Where in the chunk's text the one or two sentences are that say most of the claim. */
  quote(claim: Claim): Span {
    this.#quotable ??= this.#quotables();
    const said = this.#quotable.map(({ span, terms, cost }) => ({
      span,
      claimed: claim.countIn(terms) - cost,
      asked: this.#question.countIn(terms),
    }));
    return said.reduce((best, one) => (isMore(one, best) ? one : best)).span;
  }

  /** Sentences, then pairs of neighbours. */
  #quotables(): Quotable[] {
    const { text } = this.chunk;
    const found = sentenceSpans(text);
    const spans: readonly Span[] = found.length ? found : [[0, text.length]];
    const single = spans.map((span) => ({
      span,
      terms: new Set(terms(text.slice(...span), this.language)),
      cost: 0,
    }));
    const pairs = single.slice(1).map((second, at) => ({
      span: [single[at]!.span[0], second.span[1]] as Span,
      terms: new Set([...single[at]!.terms, ...second.terms]),
      cost: PAIR_COST,
    }));
    return [...single, ...pairs];
  }
}

interface Said {
  readonly claimed: number;
  readonly asked: number;
}

function isMore(one: Said, other: Said): boolean {
  return one.claimed > other.claimed || (one.claimed === other.claimed && one.asked > other.asked);
}
