// The settings: shown as they are, changed by hand.

import { STATIC } from "./api";
import { leaveTable } from "./bringing";
import { at, box, button, list, made, numeric, refill, row } from "./dom";
import { PRESETS } from "./lessons";
import { METHODS } from "./local";
import { announce, hear, one, page, racing, title } from "./page";
import { short } from "./plots";
import { lane, LAYERS, START, UNITS, type Lane } from "./state";
import { address, altered, check, control, FIRST_ORDER, play, reset, start, step } from "./training";
import { ACTIVATIONS } from "./trainer";
import { lang, say } from "./words";

const kinds = STATIC ? Object.keys(ACTIVATIONS) : ["tanh", "relu", "sigmoid", "silu", "gelu", "softplus", "sin"];
const choices = {
  activation: kinds, init: ["auto", "glorot", "he", "normal", "small", "zeros"],
  method: STATIC ? METHODS : ["adam", "sgd", "adamw", "rmsprop", "nadam", "features", "varpro", "lm", "lbfgs", "construct", "auto"],
  design: ["auto", "grid", "uniform", "chebyshev", "latin_hypercube", "sobol", "halton"],
};
const COUNTED = [...FIRST_ORDER, "lm", "lbfgs"];
const SPEEDS = [0, 1 / 30, 0.1, 0.5]; // seconds between two epochs
const DUELS: [string, Partial<Lane> & { activation?: string }, Partial<Lane> & { activation?: string }][] = [
  ["duel-solver", { method: "adam" }, { method: "varpro" }],
  ["duel-kink", { activation: "relu", method: "adam" }, { activation: "tanh", method: "adam" }],
  ["duel-bias", { activation: "relu", method: "adam", bias: false }, { activation: "relu", method: "adam", bias: true }],
];

const slid = (points: number) => Math.log(points / 4) / Math.log(1250); // 4 to 5000 points, on a log scale

/** An interval as two numbers, and as two sliders below them. */
function intervalOf(name: string): HTMLElement[] {
  const { domain } = page.s;
  domain[name] ??= [-3, 3];
  const [low, high] = domain[name], reach = Math.max(10, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) * 1.5));
  const ends = [0, 1].map((k) => [say(k ? "to" : "from"), k] as const);
  const set = (k: number) => (v: number) => { page.s.domain[name] = k ? [low, v] : [v, high]; altered(); };
  const sliders = document.createElement("div");
  sliders.className = "sliders";
  sliders.append(...ends.map(([word, k]) => numeric(domain[name][k], `${name} ${word}, ${say("slider")}`, set(k), [-reach, reach])));
  return [row(name, ...ends.map(([word, k]) => numeric(domain[name][k], `${name} ${word}`, set(k)))), sliders];
}

function layerOf(i: number): HTMLElement {
  const n = one().hidden[i], label = lang === "zh" ? `第 ${i + 1} 层` : `layer ${i + 1}`;
  const change = (text: string, word: string, by: number) => {
    const b = button(text, null, () => { one().hidden[i] = Math.max(1, Math.min(UNITS, n + by * (n >= 32 + (by < 0 ? 1 : 0) ? 8 : 1))); altered(); });
    b.ariaLabel = `${label}: ${say(word)}`;
    return b;
  };
  const kind = document.createElement("select");
  kind.ariaLabel = `${label}: ${say("activation")}`;
  kind.append(...kinds.map((k) => new Option(k, k, false, k === one().activations[i])));
  kind.addEventListener("change", () => { one().activations[i] = kind.value; altered(); });
  return row(label, change("−", "fewer", -1), made("output", String(n)), change("+", "more", 1), kind);
}

function showNumbers(l: Lane): void {
  const { s } = page, put = (id: string, v: unknown) => { if (document.activeElement !== at(id)) box(id).value = String(v); };
  put("formula", s.formula);
  box("formula").disabled = s.table !== null;
  for (const id of ["points", "noise"] as const) put(id, s[id]);
  for (const id of ["lr", "batch", "epochs", "seed"] as const) put(id, l[id]);
  box("points-slider").value = String(slid(s.points));
  box("points-slider").setAttribute("aria-valuetext", String(s.points));
  box("noise-slider").value = String(s.noise);
  for (const id of ["points", "noise", "points-slider", "noise-slider", "design"]) box(id).disabled = s.table !== null;
}

function showChoices(l: Lane): void {
  const same = new Set(l.activations).size === 1;
  const values = { activation: same ? l.activations[0] : "", init: l.init, method: l.method, design: page.s.design };
  for (const [id, options] of Object.entries(choices)) {
    const select = list(id);
    if (!select.options.length) select.append(...options.map((name) => new Option(name, name)));
    select.value = values[id as keyof typeof values];
  }
  box("bias").checked = l.bias;
  for (const e of document.querySelectorAll<HTMLElement>(".first-order")) e.hidden = !FIRST_ORDER.includes(l.method);
  for (const e of document.querySelectorAll<HTMLElement>(".counted")) e.hidden = !COUNTED.includes(l.method);
  const auto = l.method === "auto";
  for (const id of ["deeper", "shallower"]) box(id).disabled = auto || (id === "deeper" ? l.hidden.length >= LAYERS : l.hidden.length <= 1);
  for (const id of ["activation", "init", "bias"]) box(id).disabled = auto;
  refill(at("layers"), [l.hidden, l.activations, auto, lang, page.current], () => (auto ? [made("p", say("chosen"))] : l.hidden.map((_, i) => layerOf(i))));
  refill(list("speed"), lang, () => SPEEDS.map((d) => new Option(d ? `${Math.round(1 / d)} ${say("per-second")}` : say("full"), String(d))));
  list("speed").value = String(page.delay);
}

function showRace(): void {
  const { s } = page;
  at("race").ariaPressed = String(racing());
  at("race").textContent = say(racing() ? "race-end" : "race");
  for (const id of ["tabs", "duels"]) at(id).hidden = !racing();
  refill(at("tabs"), [racing(), page.current, s.lanes.map(title), lang], () => s.lanes.map((x, i) => {
    const b = button(`${"AB"[i]}: ${title(x)}`, i === page.current, () => { page.current = i; page.chosen = null; announce("settings", "news"); });
    b.className = `lane-${i}`;
    return b;
  }));
  refill(at("duels"), lang, () => DUELS.map(([word, a, b]) => button(say(word), null, () => {
    const network = one().method === "auto" ? START.lanes[0] : one();
    page.s.lanes = [lane(network, a), lane(network, b)];
    altered();
  })));
}

function showKept(): void {
  const { kept } = page;
  refill(at("strip"), [kept.map((k) => [k.name, k.max]), lang], () => kept.map((k, i) => {
    const part = document.createElement("div"), canvas = document.createElement("canvas");
    canvas.role = "img";
    canvas.ariaLabel = k.name;
    const b = button("×", null, () => { kept.splice(i, 1); announce("settings", "news"); });
    b.ariaLabel = `${say("forget")}: ${k.name}`;
    part.append(canvas, made("p", `${k.name}${k.max === null ? "" : `, ${say("error")} ${short(k.max)}`}`), b);
    return part;
  }));
  at("snapshots").hidden = !kept.length;
}

function show(): void {
  const { s } = page;
  page.current = Math.min(page.current, s.lanes.length - 1);
  const l = one(), named = s.table || page.drawing ? [] : page.scene?.names ?? Object.keys(s.domain);
  showNumbers(l);
  refill(at("domain"), [named, named.map((n) => s.domain[n]), lang], () => named.flatMap(intervalOf));
  showChoices(l);
  showRace();
  showKept();
  at("draw").ariaPressed = String(page.drawing);
  at("draw").textContent = say(page.drawing || s.table ? "formulaAgain" : "draw");
  at("drawing").hidden = !page.drawing;
  at("fit").classList.toggle("drawing", page.drawing);
}

function preset(found: (typeof PRESETS)[number] | undefined): void {
  if (!found) return;
  leaveTable();
  const { s } = page;
  s.formula = found[0]; s.domain = structuredClone(found[1]);
  if (Object.keys(found[1]).length === 2 && s.points < 1000) s.points = 1000;
  box("formula").value = s.formula;
  page.scene = null;
  altered();
}

export function choose(): void {
  hear("settings", show);
  at("play").addEventListener("click", play);
  at("step").addEventListener("click", () => void step());
  at("reset").addEventListener("click", () => { reset(); void check(); });
  list("speed").addEventListener("change", () => { page.delay = +list("speed").value; page.looks.speed = list("speed").value; history.replaceState(null, "", address()); void control("speed", { delay: page.delay }); });
  box("formula").addEventListener("input", () => { page.s.formula = box("formula").value; page.scene = null; altered(150); });
  box("formula").addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.isComposing) void start(false); });
  const reads = (id: string, set: (v: number) => void) => box(id).addEventListener("change", () => { if (Number.isFinite(box(id).valueAsNumber)) { set(box(id).valueAsNumber); altered(); } });
  for (const id of ["points", "noise"] as const) reads(id, (v) => (page.s[id] = v));
  for (const id of ["lr", "batch", "epochs", "seed"] as const) reads(id, (v) => (one()[id] = v));
  reads("points-slider", (v) => (page.s.points = Math.round(4 * 1250 ** v)));
  reads("noise-slider", (v) => (page.s.noise = v));
  const picks = (id: string, set: (v: string) => void) => list(id).addEventListener("change", () => { set(list(id).value); altered(); });
  picks("activation", (v) => (one().activations = one().hidden.map(() => v)));
  picks("init", (v) => (one().init = v));
  picks("method", (v) => {
    one().method = v;
    if (["features", "construct"].includes(v) && one().hidden.length > 1) page.s.lanes[page.current] = lane(one(), { hidden: [one().hidden[0]] });
  });
  picks("design", (v) => (page.s.design = v));
  box("bias").addEventListener("change", () => { one().bias = box("bias").checked; altered(); });
  at("settings").addEventListener("submit", (e) => e.preventDefault());
  at("deeper").addEventListener("click", () => { one().hidden.push(one().hidden.at(-1)!); one().activations.push(one().activations.at(-1)!); altered(); });
  at("shallower").addEventListener("click", () => { one().hidden.pop(); one().activations.pop(); altered(); });
  at("race").addEventListener("click", () => {
    page.s.lanes = racing() ? [one()] : [one(), lane(one(), { method: one().method === "varpro" ? "adam" : "varpro" })];
    page.current = racing() ? 1 : 0;
    altered();
  });
  list("preset").append(new Option(say("preset"), ""), ...PRESETS.map(([f], i) => new Option(f, String(i))));
  list("preset").addEventListener("change", () => preset(list("preset").value === "" ? undefined : PRESETS[+list("preset").value]));
  at("axis").addEventListener("click", () => { page.seconds = !page.seconds; announce("news"); });
  at("solid").addEventListener("click", () => { page.solid = !page.solid; announce("news"); });
}
