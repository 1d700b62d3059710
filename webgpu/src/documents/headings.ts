// Headings of a page, from text and media type to places and titles. As rag/documents/headings.py.
//
// Markdown says what is a heading. A printed page does not: there only lines that can hardly be
// anything else are taken, since a wrong heading is worse than none.

import { isUpper } from "../retrieval/words.js";

const ATX = /^ {0,3}#{1,6}[ \t]+(\S.*)$/dgm;
const SETEXT = /(?:(?<![^])|\n\n)(\S.{0,119})\n(?:=+|-{3,})[ \t]*$/dgm;
const FENCED = /^ {0,3}(```|~~~).*?(?:^ {0,3}\1|(?![^]))/gms;
const LINK = /!?\[([^\]\n]*)\]\([^)\n]*\)/g;

const NUMBERED =
  /^\d{1,2}(?:\.\d{1,2}){1,4}\.? (?=(?![a-z])[\p{L}\p{Nl}\p{No}])(?=.*[\p{L}\p{Nl}\p{No}]{4})/u;
const NAME =
  /^(?:chapter|part|section|article|art\.|annex|appendix|schedule|capitolul|partea|secțiunea|sectiunea|articolul|anexa|titlul)(?= )/i;
const AFTER_NAME =
  /^ (?:nr\. ?)?(?:\d{1,3}|[IVXLCDM]{1,7}|[A-Z])[.:]?(?: [-–—]| ?$| (?=(?![a-z])[\p{L}\p{N}_]))/u;
const NOT_A_TITLE = /[,;:\-.?!]$/;
const LONGEST_TITLE_CHARS = 120;
const LONGEST_LINE_CHARS = 80;
const SHORTEST_PROSE_CHARS = 30;
const FEWEST_LETTERS = 4;

export interface Heading {
  readonly start: number; // text[start, end) is the whole heading with its marks
  readonly end: number;
  readonly title: string;
}

/** In order of appearance; none overlap. */
export function headings(text: string, mediaType: string): Heading[] {
  return mediaType === "text/markdown" ? markedUp(text) : printed(text);
}

function markedUp(text: string): Heading[] {
  const code = [...text.matchAll(FENCED)].map((found) => [found.index, found.index + found[0].length]);
  const titles = [...text.matchAll(ATX), ...text.matchAll(SETEXT)].map((found) => ({
    start: found.index,
    end: found.index + found[0].length,
    at: found.indices![1]![0],
    title: titleOf(found[1]!),
  }));
  return titles
    .filter(({ at }) => !code.some(([start, end]) => start! <= at && at < end!))
    .sort((one, other) => one.at - other.at)
    .map(({ start, end, title }) => ({ start, end, title }));
}

function titleOf(marked: string): string {
  const words = marked.replace(LINK, "$1").replace(/[# \t]+$/, "").replace(/\*\*|`/g, "");
  return words.trim().slice(0, LONGEST_TITLE_CHARS);
}

function printed(text: string): Heading[] {
  const found: Heading[] = [];
  const lines = text.split("\n");
  let start = 0;
  lines.forEach((line, at) => {
    const end = start + line.length;
    if (line.length <= LONGEST_LINE_CHARS && looksLikeHeading(line, lines[at + 1] ?? "")) {
      found.push({ start, end, title: line.trim() });
    }
    start = end + 1;
  });
  return found;
}

function looksLikeHeading(line: string, following: string): boolean {
  if (NOT_A_TITLE.test(line)) return false;
  const name = NAME.exec(line)?.[0];
  if ((name && AFTER_NAME.test(line.slice(name.length))) || NUMBERED.test(line)) return true;
  return isUpper(line) && opensProse(line, following);
}

/** Capitals are a title when they are words and ordinary lines come after them. */
function opensProse(line: string, following: string): boolean {
  const letters = line.match(/\p{L}/gu)?.length ?? 0;
  return (
    letters >= FEWEST_LETTERS &&
    letters > Math.floor(line.length / 2) &&
    following.length >= SHORTEST_PROSE_CHARS &&
    !isUpper(following)
  );
}
