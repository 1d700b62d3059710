// How many tokens a text takes, before a model counts: an estimate from its words and signs.
//
// English words are mostly one token each; those of other languages are cut into several, and into
// more by the small vocabulary of a small model. How good it is: decision 0118.

import { detect } from "./language.js";

export type TokenCounter = (text: string) => number;

interface Rates {
  readonly word: number;
  readonly letter: number; // of a word of ASCII letters
  readonly accented: number; // a letter of any other word in Latin script
  readonly digit: number;
  readonly sign: number;
  readonly line: number;
}

const ENGLISH: Rates = { word: 0.75, letter: 0.085, accented: 0.6, digit: 1.3, sign: 0.75, line: 0.85 };
const OTHER: Rates = { word: 0.35, letter: 0.27, accented: 0.42, digit: 1.55, sign: 0.65, line: 1.75 };
const SMALL_VOCABULARY = 1.3; // times as many tokens of other languages in SmolLM2 as in Qwen
const TOKENS_A_BYTE = 0.42; // in UTF-8, of letters outside Latin script
const ENOUGH_CHARS = 600; // to tell a language
const TOKENS_AN_EMOJI = 4;

const PIECE = /([A-Za-z]+(?![\p{L}\p{M}]))|([\p{Script=Latin}\p{M}]+)|(\p{N})|(\n)|([\p{L}\p{M}])|(\S)/gu;

/** Of a prompt, in whatever model: rather too many. Its passages may be in several languages. */
export function estimateTokens(text: string): number {
  const blocks = text.split("\n\n").map((block) => {
    const rates = ratesOf(block);
    return estimated(block, rates) * (rates === ENGLISH ? 1 : SMALL_VOCABULARY) + rates.line;
  });
  return Math.ceil(blocks.reduce((sum, tokens) => sum + tokens, 0));
}

/** A counter for passages of `text`, about as the server's tokenizer counts them. */
export function counterFor(text: string): TokenCounter {
  const rates = ratesOf(text);
  return (part) => Math.ceil(estimated(part, rates));
}

function ratesOf(text: string): Rates {
  return detect(text.slice(0, ENOUGH_CHARS)) === "en" ? ENGLISH : OTHER;
}

function estimated(text: string, rates: Rates): number {
  let tokens = 0;
  for (const [, ascii, latin, digit, line, letter, sign] of text.matchAll(PIECE)) {
    if (ascii) tokens += rates.word + rates.letter * ascii.length;
    else if (latin) tokens += rates.word + rates.accented * latin.length;
    else if (digit) tokens += rates.digit;
    else if (line) tokens += rates.line;
    else if (letter) tokens += TOKENS_A_BYTE * (letter < "\u0800" ? 2 : 3);
    else if (sign) tokens += sign.length > 1 ? TOKENS_AN_EMOJI : rates.sign;
  }
  return tokens;
}
