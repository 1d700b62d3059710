// Where a question is answered: in this browser, by the server's models, or by all in turn.

import type { Asked } from "./asking";
import { Cell } from "./cell";
import { nameOf, type Models } from "./models";
import { NO_SERVER, generate, tiers, type Reach, type TierName, type Tiers } from "./server";

export type Place = "browser" | TierName | "all";
export const PLACES: readonly Place[] = ["browser", "slm", "llm", "all"];

export class Places {
  readonly tiers = new Cell<Tiers>(NO_SERVER);
  readonly chosen = new Cell<Place>("browser");
  readonly #allowed = new Set<string>(); // models elsewhere that the person agreed to send to

  constructor(
    private readonly models: Models,
    private readonly agree: (model: string, reach: Reach) => Promise<boolean>,
  ) {}

  async look(): Promise<void> {
    const found = await tiers();
    // Drawing the list of places anew would close it under the pointer.
    if (JSON.stringify(found) !== JSON.stringify(this.tiers.value)) this.tiers.value = found;
  }

  canBe(place: Place): boolean {
    if (place === "browser") return this.models.ready !== null;
    if (place === "all") return PLACES.filter((one) => one !== "all" && this.canBe(one)).length > 1;
    return this.tiers.value[place]?.ready ?? false;
  }

  /** The models of the chosen place that may be asked; a model elsewhere only with consent. */
  async asked(): Promise<readonly Asked[]> {
    const { value: chosen } = this.chosen;
    const wanted = chosen === "all" ? (["browser", "slm", "llm"] as const) : [chosen];
    const found: Asked[] = [];
    for (const place of wanted) {
      if (this.canBe(place) && (place === "browser" || (await this.#mayBeSent(place)))) {
        found.push(place === "browser" ? this.#here() : this.#there(place));
      }
    }
    return found;
  }

  async #mayBeSent(name: TierName): Promise<boolean> {
    const tier = this.tiers.value[name]!;
    const key = `${name} ${tier.model}`;
    if (tier.reach === "machine" || this.#allowed.has(key)) return true;
    const isAllowed = await this.agree(tier.model, tier.reach);
    if (isAllowed) this.#allowed.add(key);
    return isAllowed;
  }

  #here(): Asked {
    const model = this.models.ready!;
    return {
      place: "browser",
      model: nameOf(model),
      backend: model.needs.includes("webgpu") ? "webgpu" : "wasm",
      generate: (...request) => this.models.generate(...request),
    };
  }

  #there(name: TierName): Asked {
    const { model, reach } = this.tiers.value[name]!;
    return {
      place: name,
      model,
      backend: "server",
      generate: (...request) => generate(name, reach, ...request),
    };
  }
}
