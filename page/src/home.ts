// What is taken home: files, texts for the clipboard, a proof, runs that are put aside to compare.

import { file, Refused, STATIC, stream } from "./api";
import { at, canvasOf } from "./dom";
import { announce, mine, page, sceneKey, title } from "./page";
import { failed } from "./training";
import { lang, say } from "./words";

export function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Rows under a heading, as CSV. */
export const csvOf = (names: string[], rows: (number | null)[][]): Blob =>
  new Blob([[names.map((n) => (/[",\n]/.test(n) ? `"${n.replace(/"/g, '""')}"` : n)), ...rows].map((r) => r.join(",")).join("\n") + "\n"], { type: "text/csv" });

/** The table of the picture, where no server writes it. */
function ownTable(): Blob {
  const fit = mine()!.fit!, { axes, names, target } = page.scene!;
  const place = (i: number) => axes.map((a, k) => (axes.length === 1 ? a[i] : k ? a[Math.floor(i / axes[0].length)] : a[i % axes[0].length]));
  return csvOf([...names, "fit", ...(target ? ["target"] : [])], fit.map((v, i) => [...place(i), v, ...(target ? [target[i]] : [])]));
}

/** Into the clipboard; where that is not allowed (a page from another computer), by way of a field. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

async function prove(): Promise<void> {
  const own = mine();
  page.proven = "…";
  announce("news");
  try {
    for await (const [kind, data] of stream("prove", { session: own?.id }, own?.abort.signal)) {
      if (mine() !== own) return;
      if (kind === "gap") at("proof").textContent = `${say("proving")} ${data.lower} ≤ max |${say("error")}| ≤ ${data.upper ?? "∞"}`;
      else { page.proven = data; announce("news"); }
    }
  } catch (error) { if (mine() === own) { page.proven = null; failed(error); } }
}

export function takeHome(): void {
  for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]"))
    b.addEventListener("click", async () => {
      try {
        if (STATIC && b.dataset.file === "csv") return download("fit.csv", ownTable());
        if (STATIC) return canvasOf("fit").toBlob((blob) => blob && download("fit.png", blob));
        download(...(await file("export", { session: mine()?.id, to: b.dataset.file, lang })));
      } catch (error) { failed(error); }
    });
  const copies = (id: string, text: () => string | Promise<string>) => at(id).addEventListener("click", async () => {
    try {
      at(id).textContent = say((await copy(await text())) ? "copied" : "not-copied");
      setTimeout(() => (at(id).textContent = say(id)), 1200);
    } catch (error) { if (error instanceof Refused) failed(error); }
  });
  copies("copy-python", () => page.codes[page.current].python);
  copies("copy-command", () => page.codes[page.current].command);
  copies("copy-c", async () => (await file("export", { session: mine()?.id, to: "c-text" }))[1].text());
  copies("copy-link", () => location.href);
  at("prove").addEventListener("click", () => void prove());
  at("pin").addEventListener("click", () => {
    page.runs.forEach((r, i) => {
      if (r?.fit && page.scene) page.kept.push({ fit: r.fit, losses: r.losses.slice(), key: sceneKey(), scene: page.scene, name: title(page.s.lanes[i]), max: r.done?.max ?? null });
    });
    page.kept = page.kept.slice(-6);
    announce("settings", "news");
  });
  at("forget").addEventListener("click", () => { page.kept = []; announce("settings", "news"); });
}
