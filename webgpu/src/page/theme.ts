// Light or dark: what the chat was told, where it stands beside this page, and the system's otherwise.

import { keep, recall } from "./kept";

const STORED = "vite-ui-theme"; // Chainlit's own name, so that one choice holds for both
const dark = matchMedia("(prefers-color-scheme: dark)");

export type Theme = "light" | "dark";

export function theme(): Theme {
  const chosen = recall(STORED);
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark.matches ? "dark" : "light";
}

export function switchTheme(): void {
  keep(STORED, theme() === "dark" ? "light" : "dark");
  apply();
}

/** Keeps the page in its theme, also when the chat or the system changes it; `then` redraws charts. */
export function followTheme(then: () => void): void {
  const follow = () => (apply(), then());
  dark.addEventListener("change", follow);
  addEventListener("storage", (event) => event.key === STORED && follow());
  apply();
}

function apply(): void {
  document.documentElement.classList.toggle("dark", theme() === "dark");
}
