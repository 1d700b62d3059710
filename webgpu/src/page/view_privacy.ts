// What this tab has asked of the network since it was loaded, counted by the page itself, and
// whether it can do without.

import type { RequestCounts } from "../privacy/requests";
import { Cell, drawn } from "./cell";
import { byId, fill, h } from "./dom";
import { count, figure, language, say } from "./words";

const PURPOSES = ["page", "model", "server", "other"] as const;

export const requests = new Cell<RequestCounts | null>(null);
export const worksOffline = new Cell(false);

export function showPrivacy(): void {
  drawn(draw, requests, worksOffline, language);
  for (const event of ["online", "offline"]) addEventListener(event, draw);
}

function draw(): void {
  const counts = requests.value;
  const total = counts ? PURPOSES.reduce((sum, one) => sum + counts[one], 0) : 0;
  fill(
    byId("privacy"),
    h("p", {}, h("span", { class: "count" }, figure(total)), " ", say("requests_since")),
    counts &&
      h(
        "dl",
        { class: "facts" },
        ...PURPOSES.filter((one) => counts[one] > 0).flatMap((one) => [
          h("dt", {}, say(`request_${one}`)),
          h("dd", {}, figure(counts[one])),
        ]),
      ),
    counts &&
      h(
        "p",
        { class: counts.other || counts.refused ? "problem" : "good" },
        counts.other
          ? say("requests_other", { requests: count(counts.other, "request") })
          : counts.refused
            ? say("requests_refused", { requests: count(counts.refused, "request") })
            : say("requests_none_refused"),
      ),
    h("p", { class: "muted" }, say(worksOffline.value ? "works_offline" : "works_offline_not")),
    !navigator.onLine && h("p", { class: "problem" }, say("is_offline")),
  );
}
