// Which earlier turns a question leans on, and what to search for besides its own words: messages in
// and out, no model asked. As rag/answering/conversation.py.

import type { Message } from "../types.js";
import { withoutMarks } from "./citations.js";
import { content, hasDigit } from "./grounding.js";
import wording from "./wording.json";

const OPENERS = new RegExp(`^(?:${wording.openers})`, "iu");
const POINTING = new RegExp(wording.pointing, "u");
const FRAGMENT = new RegExp(`^(?:${wording.fragment})`, "iu");
const ASKING = new RegExp(`^(?:${wording.asking})`, "iu");
const FRAGMENT_WORDS = 2; // content words a fragment may have
const EARLIER = 3; // questions looked back at, while each leans on the one before
const NAMES = 12; // names and numbers taken from the last answer

/** Whether a question cannot be understood alone: "And in 2023?" */
export function leans(question: string): boolean {
  // Only the first letter: IT is a department.
  const lowered = question.slice(0, 1).toLowerCase() + question.slice(1);
  if (OPENERS.test(question) || POINTING.test(lowered)) return true;
  if (FRAGMENT.test(question)) return content(question).length <= FRAGMENT_WORDS;
  return ASKING.test(question) && question.trim().split(/\s+/).length <= FRAGMENT_WORDS;
}

/** The turns it leans on, oldest first; none for one that stands alone, which they would distract. */
export function earlier(question: string, history: readonly Message[]): readonly Message[] {
  if (!leans(question)) return [];
  const asked = history.flatMap(({ role }, at) => (role === "user" ? [at] : [])).slice(-EARLIER);
  const alone = asked.slice(1).filter((at) => !leans(history[at]!.content));
  return history.slice([...asked.slice(0, 1), ...alone].at(-1) ?? 0);
}

/** The question after those it leans on, which is how a small model takes up their subject. */
export function whole(question: string, turns: readonly Message[]): string {
  return [...contents(turns, "user"), question].join(" ");
}

/** What was asked and named before: its terms weigh less than the question's own. */
export function background(turns: readonly Message[]): string {
  return [...contents(turns, "user"), ...named(turns)].join(" ");
}

/** Names and numbers of the last answer: what a pronoun is likely to stand for. */
function named(turns: readonly Message[]): readonly string[] {
  const words = content(withoutMarks(contents(turns, "assistant").at(-1) ?? ""));
  return words.filter((word) => /^\p{Lu}/u.test(word) || hasDigit(word)).slice(0, NAMES);
}

function contents(turns: readonly Message[], role: Message["role"]): readonly string[] {
  return turns.filter((turn) => turn.role === role).map((turn) => turn.content);
}
