// What the page says about the run: numbers, buttons, sentences, the card, what the doctor found.

import { STATIC } from "./api";
import { at, box, list, made } from "./dom";
import { hear, live, mine, one, page, racing } from "./page";
import { short } from "./plots";
import { lang, proof, raced, result, say, tied } from "./words";

function sentence(): string {
  const { runs, status } = page, done = mine()?.done;
  if (runs.length > 0 && runs.every((x) => x?.done) && racing()) {
    const [a, b] = runs.map((x) => x!.done.max as number), better = a < b ? "A" : "B", factor = Math.max(a, b) / Math.max(Math.min(a, b), 1e-300);
    return factor < 1.15 ? tied(short(a), short(b)) : raced(short(a), short(b), better, short(factor, factor < 10 ? 2 : 3));
  }
  if (!done || racing() || status !== "done") return say(status);
  const place = Object.entries(done.at ?? {}).map(([n, v]) => `${n} = ${short(v as number, 4)}`).join(", ");
  return result(short(done.max), short(done.seconds), done.measured, place);
}

function unitWords(): string {
  const r = mine(), { chosen } = page;
  if (!chosen || !r?.units.length) return r?.done && !r.units.length ? say("no-units") : say("hint");
  const state = r.units[chosen.layer - 1]?.states[chosen.unit], last = chosen.layer === r.units.length;
  const name = lang === "zh" ? `第 ${chosen.layer} 层第 ${chosen.unit + 1} 个单元` : `layer ${chosen.layer}, unit ${chosen.unit + 1}`;
  return `${name}${state ? ` (${say(state)})` : ""}${lang === "zh" ? "：" : ": "}${say(last ? "adds" : "shape")}`;
}

const swatch = (kind: string, word: string) => {
  const i = document.createElement("i"), pair = document.createElement("span");
  i.className = kind;
  pair.append(i, word);
  return pair;
};

function tell(): void {
  const r = mine(), last = r?.losses.at(-1), done = r?.done, { runs, scene, kept, s } = page, status = sentence();
  at("epoch").textContent = String(last?.[0] ?? 0);
  at("loss").textContent = short(last?.[1]);
  const count = done ? done.parameters : page.sizes[page.current];
  at("parameters").textContent = count === null || count === undefined ? "–" : String(count);
  at("play").textContent = !live() ? say("start") : page.paused ? say("resume") : say("pause");
  at("fault").textContent = page.wrong;
  box("formula").setAttribute("aria-invalid", String(page.wrong !== ""));
  if (at("status").textContent !== status) at("status").textContent = status; // read aloud once
  for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]")) b.disabled = !done || (STATIC && !["png", "csv"].includes(b.dataset.file!));
  box("prove").disabled = !done?.provable || page.proven === "…";
  box("pin").disabled = !runs.some((x) => x?.fit);
  box("copy-c").disabled = !done || STATIC;
  for (const id of ["copy-python", "copy-command"]) box(id).disabled = !page.codes[page.current]?.python;
  at("card").replaceChildren(...(done?.card[lang] ?? []).flatMap(([k, v]: [string, string]) => [made("dt", k), made("dd", v)]));
  at("findings").replaceChildren(...(done?.findings ?? []).map((f: any) => {
    const [where, message, cure] = f[lang], item = made("li", `${say(f.severity === "error" ? "severe" : f.severity)} · ${where}: ${message}${cure ? ` → ${cure}` : ""}`);
    item.className = f.severity;
    return item;
  }));
  const { proven } = page;
  at("proof").textContent = proven === null ? "" : proven === "…" ? say("proving") : proven.error ?? proof(proven.lower, proven.upper);
  const fits = s.lanes.map((_, i) => swatch(["fit", "ghost"][i], say("fit") + (racing() ? ` ${"AB"[i]}` : "")));
  const target = s.table ? [] : [swatch("target", say("target"))];
  at("key").replaceChildren(...(scene?.axes.length === 2 ? [] : [swatch("data", say("data-points")), ...target, ...fits, ...(kept.length ? [swatch("kept", say("kept"))] : [])]));
  at("fit").ariaLabel = `${say("see-fit")}: ${s.table ? s.table.names.join(", ") : s.formula}. ${status}`;
  at("network").ariaLabel = `${say("see-network")}: ${one().hidden.join(", ")} ${say("units")}`;
  at("losses").ariaLabel = `${say("see-loss")}: ${short(last?.[1])}`;
  at("histograms").ariaLabel = say("see-histograms");
  at("unit").textContent = unitWords();
  at("axis").textContent = say(page.seconds ? "by-epochs" : "by-seconds");
  at("solid").hidden = scene?.axes.length !== 2;
  at("solid").ariaPressed = String(page.solid);
  at("fit").tabIndex = page.solid && scene?.axes.length === 2 ? 0 : -1;
  list("preset").options[0].textContent = say("preset");
}

export function speakOfIt(): void { hear("news", tell); }
