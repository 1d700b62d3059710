// An answer that says the same again and again, noticed while it is written: the server's own rule.

const FEWEST_WORDS = 40; // before which a repetition may be an enumeration
const GRAM_WORDS = 4; // in a row that count as a repetition
const LEAST_VARIETY = 0.5;

export function loops(text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length >= FEWEST_WORDS && variety(words) < LEAST_VARIETY;
}

/** The share of all runs of words that are different. */
function variety(words: readonly string[]): number {
  const runs = words.slice(GRAM_WORDS - 1).map((_, at) => words.slice(at, at + GRAM_WORDS).join(" "));
  return new Set(runs).size / runs.length;
}
