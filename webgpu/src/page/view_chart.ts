// The chart of what answers took, drawn as they are written; the same as a table; CSV and PNG of it.

import type uPlot from "uplot";
import type { Turn } from "../types";
import { MEASURES, columns, lineName, plot, type Line } from "./chart";
import { drawn } from "./cell";
import { byId, fill, h, save } from "./dom";
import * as history from "./history";
import { theme } from "./theme";
import { figure, language, say, seconds, speed } from "./words";

const SHOWN = 40; // turns; the export has all
// Told apart by most who see colours otherwise, and 3:1 on both backgrounds (Okabe and Ito, adapted).
const COLOURS = {
  light: ["#0b6e75", "#b45309", "#6d4fb3", "#c0392b", "#2b7d5b", "#47606b"],
  dark: ["#7fd4c6", "#f0b45b", "#b9a4ec", "#ef8f7f", "#9adf8f", "#a9bcc4"],
};

let plots: uPlot[] = [];
let drawnLines = "";

export function showChart(): void {
  const redraw = () => ((drawnLines = ""), draw());
  byId("csv").addEventListener("click", () =>
    save("edge-rag-chat-latency.csv", new Blob([history.csv(history.turns.value)], { type: "text/csv" })),
  );
  byId("png").addEventListener("click", () =>
    picture().toBlob((blob) => blob && save("edge-rag-chat-latency.png", blob)),
  );
  byId("clear-history").addEventListener("click", history.clear);
  drawn(draw, history.turns, history.running);
  drawn(drawTable, history.turns, language);
  language.watch(redraw);
  theme.watch(redraw);
  new ResizeObserver(redraw).observe(byId("plots"));
}

function shown(): readonly Turn[] {
  const live = history.running.value;
  return [...history.turns.value, ...(live ? [live] : [])].slice(-SHOWN);
}

function linesOf(turns: readonly Turn[]): readonly Line[] {
  const names = [...new Set(turns.map(lineName))];
  const colours = COLOURS[theme.value];
  return names.map((name, index) => ({ name, colour: colours[index % colours.length]! }));
}

// Made anew only when a line is added: a running answer just moves its points.
function draw(): void {
  const turns = shown();
  const lines = linesOf(turns);
  byId("chart-none").hidden = turns.length > 0;
  byId("chart").hidden = turns.length === 0;
  const wanted = `${turns.length} ${lines.map((line) => line.name).join("|")}`;
  if (wanted === drawnLines) {
    plots.forEach((one, index) => one.setData(columns(turns, lines, MEASURES[index]!)));
    return;
  }
  drawnLines = wanted;
  for (const one of plots) one.destroy();
  const places = MEASURES.map(() => h("div", { class: "plot", "aria-hidden": "true" }));
  fill(byId("plots"), ...MEASURES.flatMap(({ id }, index) => [
    h("h3", {}, say(`measure_${id}`)),
    places[index]!,
  ]));
  fill(byId("legend"), ...lines.map((line) => h("li", {}, swatch(line), line.name)));
  const style = getComputedStyle(byId("plots"));
  const look = { text: style.color, grid: style.borderTopColor, font: `11px ${style.fontFamily}` };
  plots = turns.length
    ? MEASURES.map((measure, index) => plot(places[index]!, turns, lines, measure, look))
    : [];
}

function swatch(line: Line): HTMLElement {
  const mark = h("span", { class: "swatch" });
  mark.style.backgroundColor = line.colour;
  return mark;
}

function drawTable(): void {
  const rows = [...history.turns.value].reverse().map((turn) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, new Date(turn.at).toLocaleString(language.value, { dateStyle: "short", timeStyle: "short" })),
      h("td", {}, lineName(turn)),
      ...[
        seconds(turn.firstTokenMs),
        speed(history.readPerS(turn)),
        speed(turn.tokensPerS),
        turn.completionTokens === null ? "–" : figure(turn.completionTokens),
        seconds(turn.totalMs),
      ].map((text) => h("td", { class: "number" }, text)),
    ),
  );
  const names = ["when", "model", "first_token", "prefill", "speed", "written", "total"] as const;
  fill(
    byId("turns"),
    h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, say(`turn_${name}`))))),
    h("tbody", {}, ...rows),
  );
}

/** All plots below one another, with their titles and the legend. */
function picture(): HTMLCanvasElement {
  const scale = devicePixelRatio;
  const lines = linesOf(shown());
  const width = Math.max(...plots.map((one) => one.ctx.canvas.width), 1);
  const lineHeight = 22 * scale;
  const heights = plots.map((one) => one.ctx.canvas.height + lineHeight);
  const height = heights.reduce((sum, one) => sum + one, lineHeight * (lines.length + 1));
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(document.body);
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, width, height);
  context.font = `${13 * scale}px ${style.fontFamily}`;
  let top = 0;
  const write = (text: string, colour: string) => {
    context.fillStyle = colour;
    context.fillText(text, 8 * scale, top + 16 * scale);
    top += lineHeight;
  };
  plots.forEach((one, index) => {
    write(say(`measure_${MEASURES[index]!.id}`), style.color);
    context.drawImage(one.ctx.canvas, 0, top);
    top += one.ctx.canvas.height;
  });
  for (const line of lines) write(`● ${line.name}`, line.colour);
  return canvas;
}
