// What the documents hold for a question, and what a model is told of it: search, packing, prompt
// and citations, put together for the models that this page asks.

import { resolve, type Cited } from "../answering/citations";
import { found } from "../answering/finding";
import { fit, type Fitted } from "../answering/fitting";
import { refuses } from "../answering/refusals";
import type { Context } from "../types";
import type { Library } from "./library";
import type { Models } from "./models";

export const MOST_TOKENS = 256; // of an answer
const SEARCHED = 10; // passages looked at; how many are read is the model's matter
// When no model is ready here: what the server's models are asked with.
const ELSEWHERE = { contextTokens: 4096, bestPassages: 3 };

export class Grounding {
  constructor(
    private readonly library: Library,
    private readonly models: Models,
  ) {}

  /** The same for every model that is asked: what fits the one in this browser. */
  find(question: string): Fitted {
    const hits = found(this.library.index, question, SEARCHED);
    return fit(question, hits, this.models.ready ?? ELSEWHERE, MOST_TOKENS);
  }

  cite(answer: string, context: Context, question: string): Cited {
    return resolve(answer, context, question);
  }

  refuses(answer: string): boolean {
    return refuses(answer);
  }
}
