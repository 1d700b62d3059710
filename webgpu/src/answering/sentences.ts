// Where sentences are: text in, offsets out. As rag/answering/sentences.py.
//
// Rules for Latin scripts and full-width stops; a text without either is one sentence a block.

export type Span = readonly [number, number];

const BLOCK = /\n[ \t]*\n|\n(?=[ \t]*(?:[-*+•·|#>]|\d{1,3}[.)][ \t]|```))/g;
// A stop with what closes the sentence (quotes, citations), then space and what may open another.
// (?=(…))\1 takes all it can and gives nothing back.
const STOP =
  /(?=([.!?…]+))\1["'”’»)\]]*(?=((?:[ \t]*\[[\d,; ]+\])*))\2(?=\s+["'“‘„«([*_¿¡]*(?![_a-z])[\p{L}\p{N}])|[。！？]+/gu;
const ABBREVIATED =
  /(?<![\p{L}\p{N}_])(?:\p{L}|(?:e\.g|i\.e|a\.k\.a|mr|mrs|ms|dr|prof|st|jr|sr|vs|inc|ltd|corp|approx|str|dl|dna|ing|cca))\.$/iu;
const NUMBERED = /(?<![\p{L}\p{N}_])(?:no|nr|fig|vol|pp|art|alin|lit|ch|sec)\.\s+\d/giu;
const LONGEST_ABBREVIATION = 13;

/** Start and end of each sentence, in order, without surrounding space; none for blank text. */
export function sentenceSpans(text: string): Span[] {
  const found: Span[] = [];
  let start = 0;
  for (const end of [...ends(text), text.length]) {
    const sentence = text.slice(start, end);
    if (sentence.trim()) {
      found.push([end - sentence.trimStart().length, start + sentence.trimEnd().length]);
    }
    start = end;
  }
  return found;
}

function ends(text: string): number[] {
  const stops = [...text.matchAll(STOP)]
    .map((found) => [found.index, found.index + found[0].length] as const)
    .filter(([start, end]) => !isAbbreviated(text, start) && !isNumbered(text, start, end))
    .map(([, end]) => end);
  const blocks = [...text.matchAll(BLOCK)].map((found) => found.index);
  return [...new Set([...stops, ...blocks])].sort((one, other) => one - other);
}

function isAbbreviated(text: string, stop: number): boolean {
  return ABBREVIATED.test(text.slice(Math.max(0, stop - LONGEST_ABBREVIATION), stop + 1));
}

function isNumbered(text: string, stop: number, end: number): boolean {
  const from = Math.max(0, stop - 4);
  const before = Math.max(0, from - 1); // one more, to see where a word begins
  NUMBERED.lastIndex = from - before;
  return NUMBERED.test(text.slice(before, end + 3));
}
