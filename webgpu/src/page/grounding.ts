// What the documents hold for a question, and what a model is told of it: search, packing, prompt
// and citations, put together for the models that this page asks.

import { resolve, type Cited } from "../answering/citations";
import { earlier, whole } from "../answering/conversation";
import { found } from "../answering/finding";
import { fit, type Fitted } from "../answering/fitting";
import { refuses } from "../answering/refusals";
import type { Context, Message } from "../types";
import type { Library } from "./library";
import type { Models } from "./models";

export const MOST_TOKENS = 256; // of an answer
const SEARCHED = 10; // passages looked at; how many are read is the model's matter
// When no model is ready here: what the server's models are asked with.
const ELSEWHERE = { contextTokens: 4096, bestPassages: 3 };

export interface Found extends Fitted {
  readonly whole: string; // the question after those it leans on
}

export class Grounding {
  constructor(
    private readonly library: Library,
    private readonly models: Models,
  ) {}

  /** The same for every model that is asked: what fits the one in this browser. */
  find(question: string, history: readonly Message[]): Found {
    const turns = earlier(question, history);
    const asked = whole(question, turns);
    const hits = found(this.library.index, question, SEARCHED, turns);
    const fitted = fit(asked, hits, this.models.ready ?? ELSEWHERE, MOST_TOKENS, turns);
    return { ...fitted, whole: asked };
  }

  cite(answer: string, context: Context, question: string): Cited {
    return resolve(answer, context, question);
  }

  refuses(answer: string): boolean {
    return refuses(answer);
  }
}
