// A question and its answers: searched once, packed once, the same prompt to every model asked.

import { loops } from "../answering/loops";
import type { Citation, Context, GenerateOptions, Message, Reply, Turn } from "../types";
import type { Found, Grounding } from "./grounding";
import { Cell } from "./cell";
import * as history from "./history";
import { isAbort, problemOf, type Problem } from "./problems";

export type Phase = "queued" | "reading" | "writing" | "done" | "stopped" | "failed";

export interface Answer {
  readonly phase: Phase;
  readonly text: string;
  readonly startedMs: number; // of performance.now(); 0 while it waits for its turn
  readonly reply: Omit<Reply, "backend"> | null;
  readonly backend: Turn["backend"];
  readonly citations: readonly Citation[];
  readonly isAbsent: boolean; // it says that the documents do not hold what was asked
  readonly isLoop: boolean; // it began to repeat itself, and was stopped for it
  readonly problem: Problem | null;
}

/** A model that can be asked, wherever it runs. */
export interface Asked {
  readonly place: "browser" | "slm" | "llm";
  readonly model: string;
  readonly backend: Turn["backend"]; // as far as it is known before its reply
  generate(
    messages: readonly Message[],
    options: GenerateOptions,
    onToken: (text: string) => void,
    signal: AbortSignal,
  ): Promise<Omit<Reply, "backend"> & { readonly backend?: Reply["backend"] }>;
}

export interface Entry {
  readonly question: string;
  readonly whole: string; // after the questions it leans on
  readonly context: Context;
  readonly retrieveMs: number;
  readonly answers: readonly { readonly asked: Asked; readonly state: Cell<Answer> }[];
}

export class Asking {
  readonly entries = new Cell<readonly Entry[]>([]);
  readonly isBusy = new Cell(false);
  #abort = new AbortController();

  constructor(private readonly grounding: Grounding) {}

  /** What was asked so far, each question with its first answer that is complete. */
  get history(): readonly Message[] {
    return this.entries.value.flatMap(({ question, answers }) => {
      const answer = answers.map(({ state }) => state.value).find(({ phase }) => phase === "done");
      const asked = { role: "user", content: question } as const;
      return answer ? [asked, { role: "assistant", content: answer.text } as const] : [asked];
    });
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Answers one after another, so that none slows another down. No model is asked about nothing. */
  async ask(question: string, models: readonly Asked[]): Promise<void> {
    const { signal } = (this.#abort = new AbortController());
    const started = performance.now();
    const found = this.grounding.find(question, this.history);
    const retrieveMs = performance.now() - started;
    const asked = found.context.hits.length > 0 ? models : [];
    const answers = asked.map((one) => ({ asked: one, state: new Cell(waiting(one)) }));
    const { whole, context } = found;
    const entry = { question, whole, context, retrieveMs, answers };
    this.isBusy.value = true;
    this.entries.value = [...this.entries.value, entry];
    try {
      for (const { asked: one, state } of answers) await this.#answer(entry, found, one, state, signal);
    } finally {
      this.isBusy.value = false;
      history.running.value = null;
    }
  }

  async #answer(
    entry: Entry,
    { messages, maxTokens }: Found,
    asked: Asked,
    state: Cell<Answer>,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return void (state.value = { ...state.value, phase: "stopped" });
    const clock = new Clock(entry, asked);
    const ended = new AbortController(); // of this answer alone
    state.value = { ...state.value, phase: "reading", startedMs: clock.started };
    try {
      const reply = await asked.generate(
        messages,
        { maxTokens, temperature: 0 },
        (piece) => {
          const text = state.value.text + piece;
          if (loops(text)) ended.abort();
          state.value = { ...state.value, phase: "writing", text, isLoop: ended.signal.aborted };
          history.running.value = clock.token();
        },
        AbortSignal.any([signal, ended.signal]),
      );
      const phase = reply.finishReason === "cancelled" ? "stopped" : "done";
      const backend = reply.backend ?? asked.backend;
      state.value = { ...state.value, phase, reply, backend, ...this.#judged(reply.text, entry) };
      if (reply.firstTokenMs !== null) history.add(clock.turn(reply, backend));
    } catch (error) {
      // What was written stays; it may be the better half of an answer.
      const end = isAbort(error)
        ? { phase: "stopped" as const }
        : { phase: "failed" as const, problem: problemOf(error) };
      state.value = { ...state.value, ...end, ...this.#judged(state.value.text, entry) };
    }
  }

  #judged(text: string, entry: Entry): Pick<Answer, "text" | "citations" | "isAbsent"> {
    const cited = this.grounding.cite(text, entry.context, entry.whole);
    const isAbsent = this.grounding.refuses(text);
    return { text: cited.text, citations: cited.citations, isAbsent };
  }
}

// Times one answer as it is written: what the live chart draws before the model has counted.
class Clock {
  readonly started = performance.now();
  #first: number | null = null;
  #tokens = 0;

  constructor(
    private readonly entry: Entry,
    private readonly asked: Asked,
  ) {}

  token(): Turn {
    this.#first ??= performance.now();
    this.#tokens += 1;
    const generateMs = performance.now() - this.#first;
    return this.#turn(this.#first - this.started, generateMs, this.#tokens, this.asked.backend);
  }

  turn(reply: Omit<Reply, "backend">, backend: Turn["backend"]): Turn {
    const { promptTokens, cachedTokens } = reply;
    const written = reply.completionTokens ?? this.#tokens;
    const turn = this.#turn(reply.firstTokenMs, reply.generateMs, written, backend);
    return { ...turn, promptTokens, cachedTokens, completionTokens: reply.completionTokens };
  }

  // The first token comes with the prompt, so its time is not one of writing.
  #turn(
    firstTokenMs: number | null,
    generateMs: number | null,
    tokens: number,
    backend: Turn["backend"],
  ): Turn {
    return {
      at: new Date().toISOString(),
      where: this.asked.place === "browser" ? "browser" : "server",
      model: this.asked.model,
      backend,
      promptTokens: null,
      cachedTokens: null,
      completionTokens: tokens,
      retrieveMs: this.entry.retrieveMs,
      firstTokenMs,
      totalMs: performance.now() - this.started + this.entry.retrieveMs,
      tokensPerS: generateMs && tokens > 1 ? (1000 * (tokens - 1)) / generateMs : null,
    };
  }
}

function waiting(asked: Asked): Answer {
  return {
    phase: "queued",
    text: "",
    startedMs: 0,
    reply: null,
    backend: asked.backend,
    citations: [],
    isAbsent: false,
    isLoop: false,
    problem: null,
  };
}
