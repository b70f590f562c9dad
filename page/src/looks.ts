// How the page looks: language, theme, size of the letters. What was chosen is remembered, and is part of the address.

import { at } from "./dom";
import { announce, hear, page } from "./page";
import { address } from "./training";
import { lang, memory, say, speak, type Lang } from "./words";

const system = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

/** As the address has it, else as remembered, else as the system has it. */
function wear(): void {
  const { looks } = page, root = document.documentElement;
  root.dataset.theme = looks.theme ?? memory("theme") ?? system();
  root.dataset.size = looks.size ?? memory("size") ?? "usual";
  speak((looks.lang as Lang) ?? lang);
  announce("settings", "news");
}

function chosen(key: "theme" | "size" | "lang", value: string): void {
  memory(key, value);
  page.looks[key] = value;
  history.replaceState(null, "", address());
  wear();
}

function show(): void {
  const { theme, size } = document.documentElement.dataset;
  at("theme").textContent = say(theme === "dark" ? "light" : "dark");
  at("size").ariaPressed = String(size === "large");
  at("lang").textContent = lang === "zh" ? "English" : "中文";
  at("lang").lang = lang === "zh" ? "en" : "zh-CN";
}

export function dress(): void {
  hear("news", show);
  at("lang").addEventListener("click", () => chosen("lang", lang === "zh" ? "en" : "zh"));
  at("theme").addEventListener("click", () => chosen("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  at("size").addEventListener("click", () => chosen("size", document.documentElement.dataset.size === "large" ? "usual" : "large"));
  addEventListener("hashchange", wear);
  wear();
}
