// What stands around the rest: the words that index.html marks, the language, the theme, the banner.

import { drawn } from "./cell";
import { byId, fill, h } from "./dom";
import type { Reach } from "./server";
import { switchTheme, theme } from "./theme";
import { choose, isKey, language, say, type Key } from "./words";

export function showFrame(): void {
  const button = byId("theme");
  byId("language").addEventListener("click", () => choose(language.value === "en" ? "ro" : "en"));
  button.addEventListener("click", switchTheme);
  drawn(translate, language);
  drawn(
    () => (button.textContent = say(theme.value === "dark" ? "theme_light" : "theme_dark")),
    theme,
    language,
  );
}

/** For those who hear the page: one sentence, when something they wait for has happened. */
export function announce(said: string): void {
  byId("announced").textContent = said;
}

/** A newer version of the page is there. */
export function showUpdate(reload: () => void): void {
  drawn(() => {
    fill(
      byId("banner"),
      h("span", {}, `${say("update_there")} ${say("update_loses")}`),
      h("button", { type: "button", class: "button", onclick: reload }, say("update_now")),
    );
  }, language);
  byId("banner").hidden = false;
}

/** Asks before anything leaves the machine; Escape keeps it here. */
export function askConsent(model: string, reach: Reach): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>("consent");
  const key = reach === "cloud" ? "consent_cloud" : "consent_network";
  const button = (name: Key, value: string, look: string) =>
    h("button", { type: "button", class: look, onclick: () => dialog.close(value) }, say(name));
  fill(
    dialog,
    h("p", { id: "consent-text" }, say(key, { model })),
    h(
      "div",
      { class: "acts" },
      button("consent_refuse", "keep", "button"),
      button("consent_allow", "send", "button primary"),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true });
  });
}

function translate(): void {
  document.documentElement.lang = language.value;
  document.title = say("title");
  for (const [marked, put] of [
    ["say", (element: HTMLElement, text: string) => (element.textContent = text)],
    ["sayLabel", (element: HTMLElement, text: string) => element.setAttribute("aria-label", text)],
    ["sayPlaceholder", (element: HTMLElement, text: string) => element.setAttribute("placeholder", text)],
  ] as const) {
    const selector = `[data-${marked.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of document.querySelectorAll<HTMLElement>(selector)) {
      const key = element.dataset[marked] ?? "";
      if (isKey(key)) put(element, say(key));
    }
  }
  const other = byId("language");
  other.textContent = language.value === "en" ? "Română" : "English";
  other.lang = language.value === "en" ? "ro" : "en";
}
