// From the text a reader found to text fit to be shown and searched: no control characters or
// ligatures, words whole again where a line end had cut them, spaces single, and a blank line,
// never two, between paragraphs. As rag/documents/cleaning.py.

const LINE_END = /\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;
const INVISIBLE = /[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff\ufffe\uffff]/g;
const SOFT_HYPHEN = /\u00ad(?: *\n)?/g;
const LIGATURE = /[\ufb00-\ufb06]/g;
const ODD_SPACE = /[^\S\n\t]/g;
const TAB_STOP = 4;

/** `isWrapped`: its lines are those of a printed page, whose indentation and hyphens go. */
export function clean(text: string, isWrapped: boolean): string {
  let cleaned = plain(text).normalize("NFC");
  cleaned = isWrapped ? unindented(cleaned) : narrowed(cleaned);
  cleaned = cleaned.replaceAll(" \n", "\n").replace(/\n{3,}/g, "\n\n");
  return cleaned.replace(/^\n+/, "").trimEnd();
}

function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(LINE_END, "\n")
    .replace(INVISIBLE, "")
    .replace(SOFT_HYPHEN, "")
    .replace(LIGATURE, (letters) => letters.normalize("NFKC"))
    .replace(ODD_SPACE, " ")
    .split("\n")
    .map(expanded)
    .join("\n");
}

function expanded(line: string): string {
  if (!line.includes("\t")) return line;
  return line
    .split("\t")
    .reduce((before, after) => before + " ".repeat(TAB_STOP - (before.length % TAB_STOP)) + after);
}

function unindented(text: string): string {
  return text
    .replace(/ {2,}/g, " ")
    .replaceAll(" \n", "\n")
    .replaceAll("\n ", "\n")
    .replace(/(?<=\p{Lowercase})[-\u2010]\n(?=\p{Lowercase})/gu, "") // "A-\nlevel" stays
    .trimStart();
}

function narrowed(text: string): string {
  return text.replace(/(?<=[^\n ]) {2,}/g, " ").replace(/^ +$/gm, "");
}
