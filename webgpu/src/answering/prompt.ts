// The messages a model is sent: question, passages and conversation in, chat messages out. As
// rag/answering/prompt.py, whose wording and languages are in wording.json.
//
// What stays the same from turn to turn comes first, so that what a model has read of it is reused:
// the instruction, the passages, earlier turns, and the question last.

import type { Context, Message } from "../types.js";
import { withoutMarks } from "./citations.js";
import { SEPARATOR } from "./context.js";
import { refuses } from "./refusals.js";
import { defused } from "./safety.js";
import { estimateTokens, type TokenCounter } from "../retrieval/tokens.js";
import wording from "./wording.json";

export type Form = keyof typeof wording.instructions; // what a model is asked to write

const LANGUAGES: Readonly<Record<string, string>> = wording.languages;
const TEMPLATE_TOKENS = 8; // what a chat template adds to a message, at most

/** `turns` are what `recent` chose; `language` the question's, an ISO 639-1 code or "". */
export function messages(
  question: string,
  context: Context,
  turns: readonly Message[] = [],
  language = "",
  form: Form = "answer",
): Message[] {
  const [first, ...rest] = [...turns, asked(question)];
  const opening = [context.text, first!.content].filter(Boolean).join(SEPARATOR);
  const system: Message = { role: "system", content: instruction(context, language, form) };
  return [system, { role: "user", content: opening }, ...rest];
}

/** The latest whole turns that fit, oldest first and ready for a prompt.
 *
 * A question that got no answer is left out, because a model repeats what it said. */
export function recent(
  turns: readonly Message[],
  budgetTokens: number,
  count: TokenCounter = estimateTokens,
): Message[] {
  const chosen: Message[] = [];
  let left = budgetTokens;
  for (let at = turns.length - 2; at >= 0; at -= 1) {
    const [question, answer] = [turns[at]!, turns[at + 1]!];
    if (question.role !== "user" || answer.role !== "assistant" || refuses(answer.content)) continue;
    const text = defused(withoutMarks(answer.content));
    const turn: Message[] = [asked(question.content), { role: "assistant", content: text }];
    left -= tokenCount(turn, count);
    if (left < 0) break;
    chosen.unshift(...turn);
  }
  return chosen;
}

export function tokenCount(prompt: readonly Message[], count: TokenCounter = estimateTokens): number {
  return prompt.reduce((sum, one) => sum + count(one.content) + TEMPLATE_TOKENS, 0);
}

function asked(question: string): Message {
  return { role: "user", content: `Question: ${defused(question)}` };
}

/** Small models are told a language they would not keep to by themselves. */
function instruction(context: Context, language: string, form: Form): string {
  const name = LANGUAGES[language];
  const isEnglish =
    language === "en" && context.hits.every(({ chunk }) => (chunk.language || language) === "en");
  if (!name || isEnglish) return wording.instructions[form];
  return `${wording.instructions[form]} Answer in ${name}.`;
}
