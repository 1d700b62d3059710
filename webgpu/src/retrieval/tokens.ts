// How many tokens a text takes, before a model counts: an estimate from its words and signs.
//
// Fitted to SmolLM2's and Qwen's tokenizers, whichever takes more: decision 0118 has the numbers.
// English words are mostly one token each; those of other languages are cut into several.

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
const OTHER: Rates = { word: 0.45, letter: 0.35, accented: 0.55, digit: 2, sign: 0.85, line: 2.3 };
const TOKENS_A_BYTE = 0.55; // in UTF-8, of letters outside Latin script
const ENOUGH_CHARS = 600; // to tell a language
const TOKENS_AN_EMOJI = 4;

const PIECE = /([A-Za-z]+(?![\p{L}\p{M}]))|([\p{Script=Latin}\p{M}]+)|(\p{N})|(\n)|([\p{L}\p{M}])|(\S)/gu;

export function estimateTokens(text: string): number {
  return counterFor(text)(text);
}

/** A counter for parts of `text`, whose language is told once, by its beginning. */
export function counterFor(text: string): TokenCounter {
  const rates = detect(text.slice(0, ENOUGH_CHARS)) === "en" ? ENGLISH : OTHER;
  return (part) => estimated(part, rates);
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
  return Math.ceil(tokens);
}
