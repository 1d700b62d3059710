// The language of a text, from text to an ISO 639-1 code: "" where it cannot be told.
//
// The script decides where one language writes it; in Latin script the words that a language uses
// most vote. It tells what the tab has a stemmer for and no more: the server tells 50 languages with
// a model of 1.5 MB. How often both agree: decision 0117.

import { STOP_WORDS } from "./analysis.js";
import { folded, words } from "./words.js";

const SAMPLE_CHARS = 1_500; // read at the start, in the middle and at the end of a long text
const LEAST_SHARE = 0.18; // of the words of a text that must vote for its language
const LATIN_SHARE = 0.4; // of a Latin letter's say: names and terms stand in texts of any script
const LEAST_LEAD = 0.2; // of its votes that the best must be ahead by

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ["", /\p{Script=Latin}/gu],
  ["ru", /\p{Script=Cyrillic}/gu],
  ["el", /\p{Script=Greek}/gu],
  ["ar", /\p{Script=Arabic}/gu],
  ["he", /\p{Script=Hebrew}/gu],
  ["hi", /\p{Script=Devanagari}/gu],
  ["ta", /\p{Script=Tamil}/gu],
  ["hy", /\p{Script=Armenian}/gu],
  ["th", /\p{Script=Thai}/gu],
  ["ko", /\p{Script=Hangul}/gu],
  ["zh", /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu],
];
// The blocks of all scripts but Latin: most texts have none, and one look tells.
const BEYOND_LATIN = /[\u0370-\u1dff\u2de0-\ud7ff\uf900-\uffff]/;
// Letters of other languages in the same script; those whose language is "" are not told further.
const OTHERS: Readonly<Record<string, readonly (readonly [string, RegExp])[]>> = {
  ru: [
    ["uk", /[іїєґ]/i],
    ["", /[јљњђћџўѓќ]/i],
    ["bg", /^(?=.*ъ)(?!.*[ыэ])/is],
  ],
  ar: [
    ["", /[ٹڈڑےھ]/],
    ["fa", /[پچژگکی]/],
  ],
  zh: [["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/u]],
};

// Letters that hardly another of these languages has: each word that holds one votes.
const LETTERS: readonly (readonly [string, RegExp])[] = [
  ["ro", /[ășțţ]/],
  ["hu", /[őű]/],
  ["pt", /[ãõ]/],
  ["es", /ñ/],
  ["de", /ß/],
];

const ACCENTED = /[^\0-\x7f]/;

// How much an occurrence says: a word that several languages have says less of each.
const WORTH: ReadonlyMap<string, readonly (readonly [string, number])[]> = worthByWord();

export function detect(text: string): string {
  const sample = sampled(text);
  if (!BEYOND_LATIN.test(sample)) return inLatin(words(sample));
  const counts = SCRIPTS.map(([language, script]) => {
    const letters = sample.match(script)?.length ?? 0;
    return [language, language ? letters : LATIN_SHARE * letters] as const;
  });
  const [language] = counts.reduce((best, one) => (one[1] > best[1] ? one : best));
  if (!language) return inLatin(words(sample));
  const other = OTHERS[language]?.find(([, letters]) => letters.test(sample));
  return other ? other[0] : language;
}

function inLatin(all: readonly string[]): string {
  const votes = new Map<string, number>();
  const own = new Map<string, number>(); // how many words each language has of these
  for (const word of all) {
    for (const [language, vote] of votesOf(word.toLowerCase())) {
      votes.set(language, (votes.get(language) ?? 0) + vote);
      own.set(language, (own.get(language) ?? 0) + 1);
    }
  }
  const [best, second] = [...votes].sort((one, other) => other[1] - one[1]);
  if (!best || best[1] - (second?.[1] ?? 0) < LEAST_LEAD * best[1]) return "";
  return own.get(best[0])! >= LEAST_SHARE * all.length ? best[0] : "";
}

function votesOf(lower: string): readonly (readonly [string, number])[] {
  const known = WORTH.get(folded(lower)) ?? [];
  if (!ACCENTED.test(lower)) return known;
  const letter = LETTERS.find(([, letters]) => letters.test(lower));
  return letter ? [...known, [letter[0], 1]] : known;
}

function worthByWord(): Map<string, (readonly [string, number])[]> {
  const languages = new Map<string, string[]>();
  for (const [language, list] of STOP_WORDS) {
    for (const word of list) if (word.length > 1) languages.set(word, [...(languages.get(word) ?? []), language]);
  }
  return new Map(
    [...languages].map(([word, all]) => [word, all.map((one) => [one, 1 / all.length ** 2] as const)]),
  );
}

function sampled(text: string): string {
  if (text.length <= 3 * SAMPLE_CHARS) return text;
  const middle = Math.floor((text.length - SAMPLE_CHARS) / 2);
  const parts = [
    text.slice(0, SAMPLE_CHARS),
    text.slice(middle, middle + SAMPLE_CHARS),
    text.slice(-SAMPLE_CHARS),
  ];
  return parts.join("\n");
}
