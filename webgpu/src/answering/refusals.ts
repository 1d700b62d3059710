// Saying that the documents do not hold the answer, noticed: the server's own pattern.

import { sentenceSpans } from "./sentences.js";
import wording from "./wording.json";

const REFUSAL = new RegExp(wording.refusal, "iu");

/** Whether an answer does so in its first sentence; what comes after an answer is no refusal. */
export function refuses(text: string): boolean {
  const [start, end] = sentenceSpans(text)[0] ?? [0, 0];
  return isRefusal(text.slice(start, end));
}

export function isRefusal(sentence: string): boolean {
  return REFUSAL.test(sentence);
}
