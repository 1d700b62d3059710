// A word in lower case and its language in, its stem out; as it is where the language is not known.

import { Stemmer as Arabic } from "./snowball/arabic.stemmer.js";
import { Stemmer as Armenian } from "./snowball/armenian.stemmer.js";
import { Stemmer as Dutch } from "./snowball/dutch.stemmer.js";
import { Stemmer as English } from "./snowball/english.stemmer.js";
import { Stemmer as French } from "./snowball/french.stemmer.js";
import { Stemmer as German } from "./snowball/german.stemmer.js";
import { Stemmer as Greek } from "./snowball/greek.stemmer.js";
import { Stemmer as Hindi } from "./snowball/hindi.stemmer.js";
import { Stemmer as Hungarian } from "./snowball/hungarian.stemmer.js";
import { Stemmer as Italian } from "./snowball/italian.stemmer.js";
import { Stemmer as Portuguese } from "./snowball/portuguese.stemmer.js";
import { Stemmer as Romanian } from "./snowball/romanian.stemmer.js";
import { Stemmer as Russian } from "./snowball/russian.stemmer.js";
import { Stemmer as Spanish } from "./snowball/spanish.stemmer.js";
import { Stemmer as Tamil } from "./snowball/tamil.stemmer.js";

type Stemmer = InstanceType<typeof English>;

const ALGORITHMS: Readonly<Record<string, new () => Stemmer>> = {
  ar: Arabic,
  de: German,
  el: Greek,
  en: English,
  es: Spanish,
  fr: French,
  hi: Hindi,
  hu: Hungarian,
  hy: Armenian,
  it: Italian,
  nl: Dutch,
  pt: Portuguese,
  ro: Romanian,
  ru: Russian,
  ta: Tamil,
};

export const STEMMED: readonly string[] = Object.keys(ALGORITHMS);

const made = new Map<string, Stemmer>();

export function stem(word: string, language: string): string {
  const algorithm = ALGORITHMS[language];
  if (!algorithm) return word;
  let stemmer = made.get(language);
  if (!stemmer) made.set(language, (stemmer = new algorithm()));
  return stemmer.stemWord(word);
}
