// Light or dark: what the chat was told, where it stands beside this page, and the system's otherwise.

import { Cell } from "./cell";
import { keep, recall } from "./kept";

const STORED = "vite-ui-theme"; // Chainlit's own name, so that one choice holds for both
const dark = matchMedia("(prefers-color-scheme: dark)");

export type Theme = "light" | "dark";

export const theme = new Cell<Theme>(chosen());

export function switchTheme(): void {
  keep(STORED, theme.value === "dark" ? "light" : "dark");
  apply();
}

/** Keeps the page in its theme, also when the chat or the system changes it. */
export function followTheme(): void {
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === STORED && apply());
  apply();
}

function chosen(): Theme {
  const kept = recall(STORED);
  if (kept === "light" || kept === "dark") return kept;
  return dark.matches ? "dark" : "light";
}

function apply(): void {
  document.documentElement.classList.toggle("dark", chosen() === "dark");
  theme.value = chosen();
}
