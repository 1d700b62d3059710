// What the page and the worker of an engine say to each other. Every request has a number, which
// all that answers it carries.

import type { GenerateOptions, Message, Model, Reply } from "../types.js";
import type { EngineCode } from "./errors.js";

export type Order =
  | { readonly verb: "load"; readonly model: Model }
  | { readonly verb: "prefill"; readonly messages: readonly Message[] }
  | {
      readonly verb: "generate";
      readonly messages: readonly Message[];
      readonly options: GenerateOptions;
    }
  | { readonly verb: "count"; readonly text: string }
  | { readonly verb: "stop" }; // the request of the same number

export type Request = Order & { readonly id: number };

export type Answer = { readonly id: number } & (
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "token"; readonly text: string }
  | { readonly kind: "done"; readonly value: Reply | number | null }
  | { readonly kind: "failed"; readonly code: EngineCode; readonly message: string }
);
