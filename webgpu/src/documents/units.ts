// From a page's text to units that are never cut further: headings, paragraphs; a paragraph over
// the budget becomes its sentences, a sentence over it pieces cut at spaces. Units leave out nothing
// but white space, and do not know how they are packed. As rag/documents/units.py.

import type { TokenCounter } from "../retrieval/tokens.js";
import { headings } from "./headings.js";

const BLANK_LINE = /\n[^\S\n]*\n\s*/g;
// After a full stop, unless lower case goes on; before a list item or a table row.
const SENTENCE_END =
  /[.!?…。！？\n](?:(?<=[.!?…])["'”’»)\]]*\s+(?![a-z\s])|(?<=[。！？])|(?<=\n)(?=\s*(?:[-*+•|]|\d{1,3}[.)])\s))/g;
const HARD_PIECES = 8; // a sentence over the budget is cut to this part of it

export interface Unit {
  readonly start: number;
  readonly end: number;
  readonly tokenCount: number;
  readonly section: string | null; // null before the page's first heading
  readonly isHeading: boolean;
  readonly splitFrom: number | null; // start of the paragraph this is a piece of
}

type Part = readonly [number, number];

/** The units of one page in order, hardly any over `maxTokens` tokens.
 *
 * What follows a heading is short enough to stand in one passage with it. */
export function* units(
  text: string,
  mediaType: string,
  maxTokens: number,
  count: TokenCounter,
): Generator<Unit> {
  let opening = 0; // tokens of the headings right before
  for (const [start, end, section, isHeading] of blocks(text, mediaType)) {
    const room = opening < Math.floor(maxTokens / 2) ? maxTokens - opening : maxTokens;
    const tokenCount = count(text.slice(start, end));
    if (tokenCount <= room) {
      yield { start, end, tokenCount, section, isHeading, splitFrom: null };
    } else {
      for (const piece of sentences(text, start, end, room, count)) {
        yield { ...piece, section, isHeading, splitFrom: start };
      }
    }
    opening = isHeading ? opening + tokenCount + 1 : 0;
  }
}

/** The pieces of a unit that turned out to be over the budget; none of them is. */
export function cut(text: string, unit: Unit, maxTokens: number, count: TokenCounter): Unit[] {
  const splitFrom = unit.splitFrom ?? unit.start;
  const pieces = [...cutHard(text, unit.start, unit.end, maxTokens, count)];
  return pieces.map((piece) => ({ ...unit, ...piece, splitFrom }));
}

function* blocks(
  text: string,
  mediaType: string,
): Generator<readonly [number, number, string | null, boolean]> {
  let section: string | null = null;
  let position = 0;
  for (const heading of headings(text, mediaType)) {
    for (const part of parts(text, BLANK_LINE, position, heading.start)) yield [...part, section, false];
    section = heading.title;
    position = heading.end;
    yield [...stripped(text, heading.start, heading.end), section, true];
  }
  for (const part of parts(text, BLANK_LINE, position, text.length)) yield [...part, section, false];
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly tokenCount: number;
}

function* sentences(
  text: string,
  start: number,
  end: number,
  maxTokens: number,
  count: TokenCounter,
): Generator<Piece> {
  for (const [from, to] of parts(text, SENTENCE_END, start, end)) {
    const tokenCount = count(text.slice(from, to));
    if (tokenCount <= maxTokens) yield { start: from, end: to, tokenCount };
    else yield* cutHard(text, from, to, maxTokens, count);
  }
}

/** At spaces where there are some; a single character may be over a budget of 1 to 3 tokens. */
function* cutHard(
  text: string,
  start: number,
  end: number,
  maxTokens: number,
  count: TokenCounter,
): Generator<Piece> {
  const window = 4 * Math.max(1, Math.floor(maxTokens / HARD_PIECES));
  while (start < end) {
    let stop = whole(text, Math.min(end, start + window));
    if (stop < end) stop = lastSpace(text, start + 1, stop) ?? stop;
    let piece = stripped(text, start, stop);
    let tokenCount = count(text.slice(...piece));
    while (tokenCount > maxTokens && stop - start > 1) {
      stop = start + Math.floor((stop - start) / 2);
      piece = stripped(text, start, stop);
      tokenCount = count(text.slice(...piece));
    }
    if (tokenCount) yield { start: piece[0], end: piece[1], tokenCount };
    start = stop;
  }
}

function lastSpace(text: string, from: number, to: number): number | null {
  const found = Math.max(text.lastIndexOf(" ", to - 1), text.lastIndexOf("\n", to - 1));
  return found >= from ? found : null;
}

/** Not between the halves of a character outside the basic plane. */
function whole(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at] ?? "") ? at + 1 : at;
}

/** The parts of text[start, end) that end where `separator` does, stripped, not empty. */
function* parts(text: string, separator: RegExp, start: number, end: number): Generator<Part> {
  const before = text.slice(0, end); // so that nothing after `end` is looked at
  separator.lastIndex = start;
  for (const found of before.matchAll(separator)) {
    const part = stripped(text, start, found.index + found[0].length);
    if (part[0] < part[1]) yield part;
    start = found.index + found[0].length;
  }
  const part = stripped(text, start, end);
  if (part[0] < part[1]) yield part;
}

function stripped(text: string, start: number, end: number): Part {
  const part = text.slice(start, end);
  return [end - part.trimStart().length, start + part.trimEnd().length];
}
