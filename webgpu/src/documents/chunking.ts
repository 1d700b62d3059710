// From pages to passages: cut at headings, paragraphs and sentences to a budget of tokens. Only
// inside a paragraph that had to be split do neighbours overlap. As rag/documents/chunking.py, but
// for the tokens, which are estimated: the tab has no tokenizer before a model is loaded.

import { detect } from "../retrieval/language.js";
import { Pace } from "../retrieval/pace.js";
import { counterFor, type TokenCounter } from "../retrieval/tokens.js";
import type { Chunk, Document } from "../types.js";
import { cut, units, type Unit } from "./units.js";

export const MAX_TOKENS = 192; // of a passage: the server's chunk_tokens
const OVERLAP = 0.25; // largest share of a passage that repeats the one before: chunk_overlap
const PROBES = 8;
const ENOUGH_CHARS = 300; // to tell a passage's language

interface Span {
  readonly start: number;
  readonly end: number;
  readonly section: string | null; // null before the page's first heading
}

/** The passages of a document in reading order; a heading holds for the following pages too. */
export async function chunk(document: Document, maxTokens = MAX_TOKENS): Promise<Chunk[]> {
  const pace = new Pace();
  const language = detect(document.pages.map((page) => page.text).join("\n"));
  const found: Chunk[] = [];
  let section = "";
  for (const page of document.pages) {
    for (const span of spans(page.text, document.mediaType, maxTokens, OVERLAP)) {
      section = span.section ?? section;
      found.push({
        id: `${document.id.slice(0, 16)}-${page.number}-${span.start}`,
        documentId: document.id,
        documentName: document.name,
        page: page.number,
        section,
        text: page.text.slice(span.start, span.end),
        start: span.start,
        end: span.end,
        language,
      });
      await pace.keep();
    }
  }
  return withLanguages(found, language);
}

/** A few probes tell whether all speak `language`; only if not, each is asked. */
function withLanguages(found: readonly Chunk[], language: string): Chunk[] {
  const step = Math.floor(found.length / PROBES) + 1;
  const probes = found.filter((_, at) => at % step === 0);
  if (probes.every((probe) => [language, ""].includes(detect(probe.text)))) return [...found];
  return found.map((one) => ({ ...one, language: detect(one.text.slice(0, ENOUGH_CHARS)) || language }));
}

/** The passages of one page. */
export function* spans(
  text: string,
  mediaType: string,
  maxTokens: number,
  overlap: number,
): Generator<Span> {
  const count = counterFor(text);
  let pending: Unit[] = [];
  let old = 0; // units at the beginning of `pending` that repeat the passage before
  for (const unit of ended(units(text, mediaType, maxTokens, count))) {
    while (pending.length && (!unit || !belongs(unit, pending, maxTokens))) {
      const [span, closed, rest] = close(text, pending, old, maxTokens, count);
      yield span;
      const again = repeated(text, closed, rest[0] ?? unit, maxTokens, overlap, count);
      pending = [...again, ...rest];
      old = again.length;
    }
    if (unit) pending.push(unit);
  }
}

function* ended(all: Iterable<Unit>): Generator<Unit | null> {
  yield* all;
  yield null;
}

/** A heading begins anew, unless it follows right after another: the two stay together. */
function belongs(unit: Unit, pending: readonly Unit[], maxTokens: number): boolean {
  if (unit.isHeading && !pending.at(-1)!.isHeading) return false;
  return pending.reduce((sum, each) => sum + each.tokenCount, unit.tokenCount) <= maxTokens;
}

/** A passage of as many units as fit, at least one of them new; they; those left over. */
function close(
  text: string,
  pending: readonly Unit[],
  old: number,
  maxTokens: number,
  count: TokenCounter,
): [Span, readonly Unit[], Unit[]] {
  const start = pending[0]!.start;
  for (let taken = pending.length; taken > old; taken -= 1) {
    const { end, section } = pending[taken - 1]!;
    if (count(text.slice(start, end)) <= maxTokens || end - start === 1) {
      return [{ start, end, section }, pending.slice(0, taken), pending.slice(taken)];
    }
  }
  const fewer = old ? pending.slice(old) : [...cut(text, pending[0]!, maxTokens, count), ...pending.slice(1)];
  return close(text, fewer, 0, maxTokens, count);
}

/** The pieces at the end of a closed passage that open the next one of the same paragraph. */
function repeated(
  text: string,
  closed: readonly Unit[],
  following: Unit | null,
  maxTokens: number,
  overlap: number,
  count: TokenCounter,
): Unit[] {
  if (following?.splitFrom == null) return [];
  for (let at = 1; at < closed.length; at += 1) {
    const again = closed.slice(at);
    const fits =
      closed[at]!.splitFrom === following.splitFrom &&
      belongs(following, again, maxTokens) &&
      count(text.slice(closed[at]!.start, closed.at(-1)!.end)) <= overlap * maxTokens;
    if (fits) return again;
  }
  return [];
}
