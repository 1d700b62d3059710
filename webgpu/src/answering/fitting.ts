// A prompt that fits its model: what was asked and found in; passages, messages and room out. As
// rag/answering/fitting.py and budget.py.

import { detect } from "../retrieval/language.js";
import type { Context, Hit, Message } from "../types.js";
import { pack } from "./context.js";
import { messages, recent, tokenCount, type Form } from "./prompt.js";
import { estimateTokens, type TokenCounter } from "../retrieval/tokens.js";

const MARGIN = 0.1; // for tokenizers that need more than is counted
const REPLY_SHARE = 0.5; // of the window, at most
const HISTORY_SHARE = 0.2;
const HISTORY_TOKENS = 400; // every token is read again when the passages change

export interface Room {
  readonly replyTokens: number;
  readonly historyTokens: number;
  readonly passageTokens: number; // 0 when the question leaves nothing
}

/** share(1000, 100, 512) is 450, 180 and 170. */
export function share(windowTokens: number, questionTokens: number, maxTokens: number): Room {
  const usable = Math.trunc(windowTokens * (1 - MARGIN));
  const replyTokens = Math.min(maxTokens, Math.trunc(usable * REPLY_SHARE));
  const historyTokens = Math.min(HISTORY_TOKENS, Math.trunc(usable * HISTORY_SHARE));
  const passageTokens = Math.max(0, usable - replyTokens - historyTokens - questionTokens);
  return { replyTokens, historyTokens, passageTokens };
}

export interface Reader {
  readonly contextTokens: number;
  readonly bestPassages: number;
  readonly bestForm?: Form;
}

export interface Fitted {
  readonly context: Context; // without hits when not even one fits beside the question
  readonly messages: readonly Message[];
  readonly maxTokens: number; // of the reply
}

/** `model` is any value with these figures; `history` the conversation so far. */
export function fit(
  question: string,
  hits: readonly Hit[],
  model: Reader,
  maxTokens: number,
  history: readonly Message[] = [],
  count: TokenCounter = estimateTokens,
): Fitted {
  const language = detect(question);
  const form = model.bestForm ?? "answer";
  const empty = pack([], 0, 0, count);
  const bare = tokenCount(messages(question, empty, [], language, form), count);
  const room = share(model.contextTokens, bare, maxTokens);
  const turns = recent(history, room.historyTokens, count);
  const context = pack(hits, room.passageTokens, model.bestPassages, count);
  return {
    context,
    messages: messages(question, context, turns, language, form),
    maxTokens: room.replyTokens,
  };
}
