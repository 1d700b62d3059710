// The page's language: keys in, sentences out; figures as the language writes them.

import { Cell } from "./cell";
import { keep, recall } from "./kept";
import { ENGLISH, ENGLISH_NOUNS } from "./words/english";
import { ROMANIAN, ROMANIAN_NOUNS } from "./words/romanian";

export type Language = "en" | "ro";
export type Key = keyof typeof ENGLISH;
export type Noun = keyof typeof ENGLISH_NOUNS;
type Values = Readonly<Record<string, string | number>>;

const STORED = "webgpu-language";

export const language = new Cell<Language>(preferred());

export function choose(chosen: Language): void {
  keep(STORED, chosen);
  language.value = chosen;
}

export function say(key: Key, values: Values = {}): string {
  const sentence: string = (language.value === "ro" ? ROMANIAN : ENGLISH)[key];
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Whether `key` names a sentence: other parts of the page hand over keys as text. */
export function isKey(key: string): key is Key {
  return Object.hasOwn(ENGLISH, key);
}

/** "3 pages": Romanian has a form of its own from 20 on. */
export function count(number: number, noun: Noun): string {
  const rule = new Intl.PluralRules(language.value).select(number);
  const [one, few, other] = language.value === "ro" ? ROMANIAN_NOUNS[noun] : ENGLISH_NOUNS[noun];
  return `${figure(number)} ${{ one, few }[rule as string] ?? other}`;
}

export function figure(number: number, digits = 0): string {
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language.value, form).format(number);
}

/** Of a file: decimal, as stores and hubs state it. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${figure(Math.ceil(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${figure(bytes / 1e6)} MB` : `${figure(bytes / 1e9, 1)} GB`;
}

export function seconds(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000, ms < 10_000 ? 1 : 0)} s`;
}

export function percent(share: number): string {
  return new Intl.NumberFormat(language.value, { style: "percent" }).format(Math.min(share, 1));
}

/** Three digits are all that such a figure is worth. */
export function speed(tokensPerS: number | null): string {
  return tokensPerS === null ? "–" : figure(tokensPerS, tokensPerS < 10 ? 2 : tokensPerS < 100 ? 1 : 0);
}

function preferred(): Language {
  const stored = recall(STORED) ?? navigator.language;
  return stored.toLowerCase().startsWith("ro") ? "ro" : "en";
}
