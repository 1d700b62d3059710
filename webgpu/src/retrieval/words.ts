// One word to its terms: a word as it stands in a text and its language in, folded stems out.
//
// A number or identifier gives itself, whole; a compound itself and its parts. The server's
// rag/retrieval/words.py in this language: the same terms, checked by tests/webgpu/test_same_as_server.py.

import { stem } from "./stemming.js";

// Python's \w and \d, which a JavaScript class has to spell out.
const W = "\\p{L}\\p{N}_";
const D = "\\p{Nd}";
// Signs that belong inside words though \w leaves them out: accents, vowel signs, joiners.
const SIGNS =
  "\\u00ad\\u0300-\\u036f\\u0591-\\u05bd\\u0610-\\u061a\\u064b-\\u065f\\u0670\\u0900-\\u0963" +
  "\\u0966-\\u0dff\\u0e31-\\u0e3a\\u0e47-\\u0e4e\\u200c\\u200d";

/** A word in a text, with `g`: reset it, or use `words`. */
const WORD = new RegExp(
  `[${W}${SIGNS}]+(?:(?:[-\\u2010\\u2011./@:+&]|(?<=${D}),(?=${D}))[${W}${SIGNS}]+)*(?:\\+\\+|#)?`,
  "gu",
);
const PART = new RegExp(`[\\p{L}\\p{N}${SIGNS}]+`, "gu");
const LETTERS = new RegExp(`^[\\p{L}\\p{Nl}\\p{No}${SIGNS}]+$`, "u");
const ONE_LETTER = /^\p{L}$/u;
const INVISIBLE = /[\u00ad\u200c\u200d]/g;
const ACCENTS = /(?<=[a-zα-ω])[\u0300-\u036f]+/g;
const GROUPED = new RegExp(
  `^([1-9]${D}{0,2}(?:([.,])${D}{3})(?:\\2${D}{3})*)(?:(?!\\2)[.,](${D}+))?$`,
  "u",
);
const DECIMAL = new RegExp(`^${D}+[.,]${D}+$`, "u");
const ASCII = /^[\0-\x7f]*$/;
const LONGEST_TERM = 64;
const MOST_REMEMBERED = 1 << 17;

// Their stemmers do as well without diacritics, which people often leave out.
const FOLDED_FIRST = new Set(["en", "ro"]);
const UNACCENTED: Readonly<Record<string, string>> = {
  æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ħ: "h", ı: "i",
};
// What full case folding changes and lower case does not.
const FOLDS: Readonly<Record<string, string>> = {
  "ß": "ss", "ς": "σ", "\u0345": "ι", "ᲀ": "в", "ᲁ": "д", "ᲂ": "о", "ᲃ": "с", "ᲄ": "т", "ᲅ": "т",
  "ᲆ": "ъ", "ᲇ": "ѣ", "ᲈ": "ꙋ",
};

export function words(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** Start and end of each word, in order. */
export function* wordSpans(text: string): Generator<readonly [number, number, string]> {
  for (const found of text.matchAll(WORD)) {
    yield [found.index, found.index + found[0].length, found[0]];
  }
}

const remembered = new Map<string, readonly string[]>();

/** The terms of one word; of a compound or an identifier the whole first, then its parts. */
export function wordTerms(word: string, language: string): readonly string[] {
  const key = `${language} ${word}`;
  let terms = remembered.get(key);
  if (!terms) {
    terms = analysed(word, language);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    if (word.length <= LONGEST_TERM) remembered.set(key, terms);
  }
  return terms;
}

function analysed(word: string, language: string): readonly string[] {
  const lower = casefold(word.normalize("NFKC")).replace(INVISIBLE, "");
  const number = asNumber(lower);
  if (number) return [number];
  const parts = (lower.match(PART) ?? []).map(clipped);
  const stems = parts.map((part) => stemmed(part, language));
  if (parts.length === 1 && !/[+#]$/.test(lower)) return stems;
  const isInitials = parts.length > 1 && parts.length < LONGEST_TERM;
  if (isInitials && parts.every((part) => ONE_LETTER.test(part))) return [parts.join("")]; // U.S., R&D
  const whole = lower.replace(/[-\u2010\u2011]/g, "").replace(/^_+|_+$/g, "");
  if (!parts.length || length(whole) > LONGEST_TERM) return stems;
  return [stemmed(whole, language), ...stems];
}

/** One spelling for a number with separators, "" for anything else: 1,000 and 1.000 are 1000. */
function asNumber(lower: string): string {
  const grouped = GROUPED.exec(lower);
  if (grouped) {
    const digits = grouped[1]!.replace(/[.,]/g, "");
    return grouped[3] ? `${digits}.${grouped[3]}` : digits;
  }
  return DECIMAL.test(lower) ? lower.replaceAll(",", ".") : "";
}

function stemmed(word: string, language: string): string {
  if (!LETTERS.test(word)) return folded(word);
  if (FOLDED_FIRST.has(language)) return stem(folded(word), language);
  return folded(stem(word, language));
}

/** Without the diacritics of Latin and Greek letters; other scripts mean something by theirs. */
export function folded(lower: string): string {
  if (ASCII.test(lower)) return lower;
  const bare = lower.normalize("NFKD").replace(ACCENTS, "").normalize("NFC");
  return bare.replace(/[æœøłđðþħı]/g, (letter) => UNACCENTED[letter]!);
}

export function casefold(text: string): string {
  const lower = text.toLowerCase();
  if (ASCII.test(lower)) return lower;
  return lower.replace(/[ßς\u0345\u1c80-\u1c88]/g, (letter) => FOLDS[letter]!);
}

function length(text: string): number {
  return text.length <= LONGEST_TERM ? text.length : [...text].length;
}

function clipped(part: string): string {
  return part.length <= LONGEST_TERM ? part : [...part].slice(0, LONGEST_TERM).join("");
}

/** As Python's: something in capitals, and nothing that is not. */
export function isUpper(text: string): boolean {
  return /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
}
