// The chart: what each answer took, one small plot a measure, each on its own scale; a colour a model.

import uPlot from "uplot";
import type { Turn } from "../types";
import { readPerS } from "./history";

export interface Measure {
  readonly id: "first_token" | "prefill" | "speed";
  value(turn: Turn): number | null;
}

export const MEASURES: readonly Measure[] = [
  { id: "first_token", value: (turn) => (turn.firstTokenMs === null ? null : turn.firstTokenMs / 1000) },
  { id: "prefill", value: readPerS },
  { id: "speed", value: (turn) => turn.tokensPerS },
];

export interface Line {
  readonly name: string; // of a model and where it ran
  readonly colour: string;
}

const HEIGHT_PX = 116;

/** One name a model and what it ran on: the same model is another line on the GPU. */
export function lineName(turn: Turn): string {
  return `${turn.model} · ${turn.backend}`;
}

/** Turns as uPlot wants them: their numbers, then a row a line, null where another model answered. */
export function columns(turns: readonly Turn[], lines: readonly Line[], measure: Measure): uPlot.AlignedData {
  const rows = lines.map((line) =>
    turns.map((turn) => (lineName(turn) === line.name ? measure.value(turn) : null)),
  );
  return [turns.map((_, index) => index + 1), ...rows];
}

export function plot(
  place: HTMLElement,
  turns: readonly Turn[],
  lines: readonly Line[],
  measure: Measure,
  style: { readonly text: string; readonly grid: string; readonly font: string },
): uPlot {
  const axis = {
    stroke: style.text,
    font: style.font,
    grid: { stroke: style.grid, width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: Math.max(place.clientWidth, 160),
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // Room at both sides; the first turn stands at its left, not in the middle.
      x: { time: false, range: () => [0.5, Math.max(turns.length, 8) + 0.5] },
      y: { range: (_, __, most) => [0, (most || 1) * 1.15] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axis, size: 46, space: 28 },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: line.colour,
        width: 2,
        spanGaps: true,
        points: { show: true, size: 6, fill: line.colour, stroke: line.colour },
      })),
    ],
  };
  return new uPlot(options, columns(turns, lines, measure), place);
}
