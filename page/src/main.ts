// The page: settings on one side, the run on the other; two of them where settings race. A change of settings starts a
// run in progress over again.

import { ask, file, Refused, STATIC, stream } from "./api";
import { LESSONS, PRESETS } from "./lessons";
import { METHODS } from "./local";
import * as nets from "./network";
import * as plots from "./plots";
import { lane, LAYERS, read, sent, START, UNITS, written, type Lane, type Settings, type Table } from "./state";
import { surfaces, view } from "./surface";
import { ACTIVATIONS } from "./trainer";
import { either, lang, memory, proof, raced, result, say, speak, tied } from "./words";

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const box = (id: string) => at<HTMLInputElement>(id);
const kinds = STATIC ? Object.keys(ACTIVATIONS) : ["tanh", "relu", "sigmoid", "silu", "gelu", "softplus", "sin"];
const choices = {
  activation: kinds, init: ["auto", "glorot", "he", "normal", "small", "zeros"],
  method: STATIC ? METHODS : ["adam", "sgd", "adamw", "rmsprop", "nadam", "features", "varpro", "lm", "lbfgs", "construct", "auto"],
  design: ["auto", "grid", "uniform", "chebyshev", "latin_hypercube", "sobol", "halton"],
};
const FIRST_ORDER = ["adam", "sgd", "adamw", "rmsprop", "nadam"], COUNTED = [...FIRST_ORDER, "lm", "lbfgs"];
const SPEEDS = [0, 1 / 30, 0.1, 0.5]; // seconds between two epochs
const COLOURS = ["orange", "ghost"]; // of the fits A and B
const DUELS: [string, Partial<Lane> & { activation?: string }, Partial<Lane> & { activation?: string }][] = [
  ["duel-solver", { method: "adam" }, { method: "varpro" }],
  ["duel-kink", { activation: "relu", method: "adam" }, { activation: "tanh", method: "adam" }],
  ["duel-bias", { activation: "relu", method: "adam", bias: false }, { activation: "relu", method: "adam", bias: true }],
];

interface Run {
  abort: AbortController; id: string; live: boolean; fit: plots.Row | null; scale: number; layers: nets.Layer[] | null;
  units: nets.Units[]; histograms: nets.Histograms[]; kinks: plots.Row; losses: plots.Loss[]; done: any;
}
interface Kept { fit: plots.Row; losses: plots.Loss[]; key: string; scene: plots.Scene; name: string; max: number | null }

let s: Settings = read(location.hash.slice(1));
let current = 0; // the lane whose settings and network are shown
let scene: plots.Scene | null = null;
let runs: (Run | null)[] = [];
let kept: Kept[] = [];
let codes: { python: string; command: string }[] = [];
let wrong = "", status = "ready", paused = false, sizes: (number | null)[] = [], proven: any = null;
let lesson = -1, tried = false, drawing = false, sheet: Table | null = null, solid = false, seconds = false;
let chosen: { layer: number; unit: number } | null = null, places: nets.Place[] = [];
let stroke: [number, number][] = [];
const one = (): Lane => s.lanes[current], mine = (): Run | null => runs[current] ?? null;
const live = () => runs.some((r) => r?.live), racing = () => s.lanes.length === 2;

// --- drawing, at most once a frame ---

let dirty = false;
function redraw(): void {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => { dirty = false; draw(); });
}

function draw(): void {
  const canvas = at<HTMLCanvasElement>("fit"), two = scene?.axes.length === 2, fits = runs.map((r) => r?.fit ?? null);
  canvas.classList.toggle("maps", !drawing && !!two && !solid);
  if (drawing) drawPad(canvas);
  else if (scene && two && solid) surfaces(canvas, scene, mine()?.fit ?? null);
  else if (scene && two) plots.maps(canvas, scene, fits.filter((f) => f !== null), worstPoint());
  else if (scene) {
    const traces = fits.flatMap((values, i) => (values ? [{ values, colour: COLOURS[i] }] : []));
    const last = kept.at(-1), extra: plots.Trace[] = last?.key === sceneKey() ? [{ values: last.fit, colour: "kept" }] : [];
    const unit = unitTrace();
    if (unit) extra.push(unit);
    const w = worstPoint(), target = w && scene.target ? scene.target[nearest(scene.axes[0], w[0])] : null;
    plots.line(canvas, scene, traces, runs.map((r, i): [plots.Row, string] => [r?.kinks ?? [], racing() ? COLOURS[i] : "blue"]), extra,
      w ? { x: w[0], y: target, label: say("witness") } : null);
  } else plots.ready(canvas);
  const lines: plots.Losses[] = runs.flatMap((r, i) => (r ? [{ rows: r.losses, colour: COLOURS[i], name: racing() ? `${"AB"[i]} ${s.lanes[i].method}` : say("train"), held: racing() ? COLOURS[i] : "blue" }] : []));
  if (kept.length) lines.push({ rows: kept.at(-1)!.losses, colour: "kept", name: say("kept"), held: null, dash: [6, 4] });
  plots.losses(at<HTMLCanvasElement>("losses"), lines, seconds);
  const names = scene?.names ?? ["x"], r = mine();
  const widths = r?.layers?.length ? [r.layers[0].n_in, ...r.layers.map((l) => l.n_out)] : [names.length, ...(one().method === "auto" ? [] : one().hidden), 1];
  places = nets.network(at<HTMLCanvasElement>("network"), widths, r?.layers ?? null, r?.units ?? [], names, scene?.output ?? "y", names.length, chosen);
  nets.histograms(at<HTMLCanvasElement>("histograms"), r?.histograms ?? []);
  for (const [i, k] of kept.entries()) { const small = at("strip").querySelectorAll("canvas")[i]; if (small) plots.small(small, k.scene, k.fit); }
}

const nearest = (axis: number[], v: number) => axis.reduce((best, a, i) => (Math.abs(a - v) < Math.abs(axis[best] - v) ? i : best), 0);

/** Where the error of the shown fit is largest: measured, or proved. */
function worstPoint(): number[] | null {
  const found = proven?.at && Object.keys(proven.at).length ? proven.at : null;
  return found && scene ? scene.names.map((n) => found[n]) : null;
}

/** What the unit that was chosen does: what it adds to the fit, if it is of the last hidden layer (one input). */
function unitTrace(): plots.Trace | null {
  const r = mine(), found = chosen && r?.units[chosen.layer - 1]?.values[chosen.unit];
  if (!found || !r || !scene || scene.axes.length !== 1) return null;
  const every = (scene.axes[0].length - 1) / (found.length - 1), axis = scene.axes[0];
  const xs = found.map((_, i) => axis[Math.round(i * every)]);
  const last = chosen!.layer === r.units.length, w = r.layers?.at(-1)?.w[0]?.[chosen!.unit] ?? 0;
  return last ? { values: found.map((v) => (v === null ? null : v * w * r.scale)), colour: "blue", dash: [], at: xs } : { values: found, colour: "blue", own: true, at: xs };
}

const sceneKey = () => JSON.stringify([scene?.axes.map((a) => [a[0], a[a.length - 1]]), s.table ? "table" : s.formula]);
const title = (l: Lane) => `${l.method} · ${l.method === "auto" ? "" : `${l.hidden.join("-")} ${[...new Set(l.activations)].join("/")}${l.bias ? "" : " −b"}`}`;

/** What the page says about the run: numbers, buttons, sentences. */
function tell(): void {
  const r = mine(), last = r?.losses.at(-1), done = r?.done, ended = runs.length > 0 && runs.every((x) => x?.done);
  at("epoch").textContent = String(last?.[0] ?? 0);
  at("loss").textContent = plots.short(last?.[1]);
  const count = done ? done.parameters : sizes[current];
  at("parameters").textContent = count === null || count === undefined ? "–" : String(count);
  at("play").textContent = !live() ? say("start") : paused ? say("resume") : say("pause");
  at("fault").textContent = wrong;
  box("formula").setAttribute("aria-invalid", String(wrong !== ""));
  if (ended && racing()) {
    const [a, b] = runs.map((x) => x!.done.max as number), better = a < b ? "A" : "B", factor = Math.max(a, b) / Math.max(Math.min(a, b), 1e-300);
    at("status").textContent = factor < 1.15 ? tied(plots.short(a), plots.short(b)) : raced(plots.short(a), plots.short(b), better, plots.short(factor, factor < 10 ? 2 : 3));
  } else if (done && !racing() && status === "done") {
    const place = Object.entries(done.at ?? {}).map(([n, v]) => `${n} = ${plots.short(v as number, 4)}`).join(", ");
    at("status").textContent = result(plots.short(done.max), plots.short(done.seconds), done.measured, place);
  } else at("status").textContent = say(status);
  for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]")) b.disabled = !done || (STATIC && !["png", "csv"].includes(b.dataset.file!));
  box("prove").disabled = !done?.provable;
  box("pin").disabled = !runs.some((x) => x?.fit);
  box("copy-c").disabled = !done || STATIC;
  for (const id of ["copy-python", "copy-command"]) box(id).disabled = !codes[current]?.python;
  at("card").replaceChildren(...(done?.card[lang] ?? []).flatMap(([k, v]: [string, string]) => [made("dt", k), made("dd", v)]));
  at("findings").replaceChildren(...(done?.findings ?? []).map((f: any) => {
    const [where, message, cure] = f[lang], item = made("li", `${say(f.severity === "error" ? "severe" : f.severity)} · ${where}: ${message}${cure ? ` → ${cure}` : ""}`);
    item.className = f.severity;
    return item;
  }));
  at("proof").textContent = proven === null ? "" : proven === "…" ? say("proving") : proven.error ?? proof(proven.lower, proven.upper);
  const item = (kind: string, word: string) => { const i = document.createElement("i"); i.className = kind; return [i, made("span", word)]; };
  const fits = s.lanes.flatMap((_, i) => item(["fit", "ghost"][i], say("fit") + (racing() ? ` ${"AB"[i]}` : "")));
  at("key").replaceChildren(...(scene?.axes.length === 2 ? [] : [...item("data", say("dots")), ...item("target", say("target")), ...fits, ...(kept.length ? item("kept", say("kept")) : [])]));
  at("fit").ariaLabel = `${say("see-fit")}: ${s.table ? s.table.names.join(", ") : s.formula}. ${at("status").textContent}`;
  at("network").ariaLabel = `${say("see-network")}: ${one().hidden.join(", ")} ${say("units")}`;
  at("losses").ariaLabel = `${say("see-loss")}: ${plots.short(last?.[1])}`;
  at("histograms").ariaLabel = say("see-histograms");
  at("unit").textContent = unitWords();
  at("axis").textContent = say(seconds ? "by-epochs" : "by-seconds");
  at("solid").hidden = scene?.axes.length !== 2;
  at("solid").ariaPressed = String(solid);
  at("theme").textContent = say(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  at<HTMLSelectElement>("preset").options[0].textContent = say("preset");
  at("lang").textContent = lang === "zh" ? "English" : "中文";
  redraw();
}

function unitWords(): string {
  const r = mine();
  if (!chosen || !r?.units.length) return r?.done && !r.units.length ? say("no-units") : say("hint");
  const state = r.units[chosen.layer - 1]?.states[chosen.unit], last = chosen.layer === r.units.length;
  return `${say("layer")} ${chosen.layer}, ${say("unit")} ${chosen.unit + 1}${state ? ` (${say(state)})` : ""}: ${say(last ? "adds" : "shape")}`;
}

function made(tag: string, text: string): HTMLElement {
  const e = document.createElement(tag);
  e.textContent = text;
  return e;
}

function button(text: string, pressed: boolean | null, click: () => void): HTMLButtonElement {
  const b = made("button", text) as HTMLButtonElement;
  b.type = "button";
  if (pressed !== null) b.ariaPressed = String(pressed);
  b.addEventListener("click", click);
  return b;
}

/** Replace children where what they show has changed; focus stays at the place where it was. */
function refill(part: HTMLElement, key: unknown, children: () => HTMLElement[]): void {
  const stamp = JSON.stringify(key);
  if (part.dataset.key === stamp) return;
  const focusable = () => [...part.querySelectorAll<HTMLElement>("button, input, select")];
  const index = focusable().indexOf(document.activeElement as HTMLElement);
  part.dataset.key = stamp;
  part.replaceChildren(...children());
  if (index >= 0) focusable()[index]?.focus();
}

// --- settings ---

function row(label: string, ...inputs: HTMLElement[]): HTMLElement {
  const div = document.createElement("div");
  div.className = "row";
  const pair = document.createElement("div");
  pair.className = inputs.length === 2 ? "pair-of" : "stepper";
  pair.append(...inputs);
  div.append(made("span", label), pair);
  return div;
}

function numeric(value: number, label: string, changed: (v: number) => void, type = "number", limits = [0, 0]): HTMLInputElement {
  const input = document.createElement("input");
  input.type = type; input.step = "any"; input.ariaLabel = label;
  if (type === "range") { input.min = String(limits[0]); input.max = String(limits[1]); input.step = String((limits[1] - limits[0]) / 200); }
  input.value = String(value);
  input.addEventListener("change", () => { if (Number.isFinite(input.valueAsNumber)) { changed(+input.valueAsNumber.toPrecision(12)); altered(); } });
  return input;
}

/** An interval as two numbers, and as two sliders below them. */
function intervalOf(name: string): HTMLElement[] {
  s.domain[name] ??= [-3, 3];
  const [low, high] = s.domain[name], reach = Math.max(10, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) * 1.5));
  const ends = [0, 1].map((k) => [say(k ? "to" : "from"), k] as const);
  const set = (k: number) => (v: number) => { s.domain[name] = k ? [low, v] : [v, high]; };
  const sliders = document.createElement("div");
  sliders.className = "sliders";
  sliders.append(...ends.map(([word, k]) => numeric(s.domain[name][k], `${name} ${word}, ${say("see-fit")}`, set(k), "range", [-reach, reach])));
  return [row(name, ...ends.map(([word, k]) => numeric(s.domain[name][k], `${name} ${word}`, set(k)))), sliders];
}

const slid = (points: number) => Math.log(points / 4) / Math.log(1250); // 4 to 5000 points, on a log scale

function show(): void {
  current = Math.min(current, s.lanes.length - 1);
  const l = one(), put = (id: string, v: unknown) => { if (document.activeElement !== at(id)) box(id).value = String(v); };
  if (document.activeElement !== at("formula")) box("formula").value = s.formula;
  box("formula").disabled = s.table !== null;
  for (const id of ["points", "noise"] as const) put(id, s[id]);
  for (const id of ["lr", "batch", "epochs", "seed"] as const) put(id, l[id]);
  box("points-slider").value = String(slid(s.points));
  box("noise-slider").value = String(s.noise);
  for (const id of ["points", "noise", "points-slider", "noise-slider", "design"]) box(id).disabled = s.table !== null;
  const same = new Set(l.activations).size === 1;
  const values = { activation: same ? l.activations[0] : "", init: l.init, method: l.method, design: s.design };
  for (const [id, list] of Object.entries(choices)) {
    const select = at<HTMLSelectElement>(id);
    if (!select.options.length) select.append(...list.map((name) => new Option(name, name)));
    select.value = values[id as keyof typeof values];
  }
  box("bias").checked = l.bias;
  for (const e of document.querySelectorAll<HTMLElement>(".first-order")) e.hidden = !FIRST_ORDER.includes(l.method);
  for (const e of document.querySelectorAll<HTMLElement>(".counted")) e.hidden = !COUNTED.includes(l.method);
  const named = s.table ? [] : scene?.names ?? Object.keys(s.domain);
  refill(at("domain"), [named, named.map((n) => s.domain[n]), lang], () => named.flatMap(intervalOf));
  const auto = l.method === "auto";
  refill(at("layers"), [l.hidden, l.activations, auto, lang], () => (auto ? [made("p", say("chosen"))] : l.hidden.map((n, i) => {
    const label = lang === "zh" ? `第 ${i + 1} 层` : `layer ${i + 1}`;
    const change = (text: string, word: string, by: number) => {
      const b = button(text, null, () => { l.hidden[i] = Math.max(1, Math.min(UNITS, n + by * (n >= 32 + (by < 0 ? 1 : 0) ? 8 : 1))); altered(); });
      b.ariaLabel = `${label}: ${say(word)}`;
      return b;
    };
    const kind = document.createElement("select");
    kind.ariaLabel = `${label}: ${say("activation")}`;
    kind.append(...kinds.map((k) => new Option(k, k, false, k === l.activations[i])));
    kind.addEventListener("change", () => { l.activations[i] = kind.value; altered(); });
    return row(label, change("−", "fewer", -1), made("output", String(n)), change("+", "more", 1), kind);
  })));
  for (const id of ["deeper", "shallower"]) box(id).disabled = auto || (id === "deeper" ? l.hidden.length >= LAYERS : l.hidden.length <= 1);
  for (const id of ["activation", "init", "bias"]) box(id).disabled = auto;
  at("race").ariaPressed = String(racing());
  at("race").textContent = say(racing() ? "race-end" : "race");
  for (const id of ["tabs", "duels"]) at(id).hidden = !racing();
  refill(at("tabs"), [racing(), current, s.lanes.map(title), lang], () => s.lanes.map((x, i) => {
    const b = button(`${"AB"[i]}: ${title(x)}`, i === current, () => { current = i; chosen = null; show(); tell(); });
    b.className = `lane-${i}`;
    return b;
  }));
  refill(at("duels"), lang, () => DUELS.map(([word, a, b]) => button(say(word), null, () => {
    const network = one().method === "auto" ? START.lanes[0] : one();
    s.lanes = [lane(network, a), lane(network, b)];
    altered();
  })));
  at("draw").ariaPressed = String(drawing);
  at("draw").textContent = say(s.table && !drawing ? "formulaAgain" : "draw");
  at("drawing").hidden = !drawing;
  at("fit").classList.toggle("drawing", drawing);
  refill(at<HTMLSelectElement>("speed"), lang, () => SPEEDS.map((d) => new Option(d ? `${Math.round(1 / d)} ${say("per-second")}` : say("full"), String(d))));
  at<HTMLSelectElement>("speed").value = String(delay);
  refill(at("strip"), [kept.map((k) => k.name), kept.length, lang], () => kept.map((k, i) => {
    const part = document.createElement("div"), canvas = document.createElement("canvas");
    canvas.role = "img";
    canvas.ariaLabel = k.name;
    const b = button("×", null, () => { kept.splice(i, 1); show(); tell(); });
    b.ariaLabel = `${say("forget")}: ${k.name}`;
    part.append(canvas, made("p", `${k.name}${k.max === null ? "" : `, ${say("error")} ${plots.short(k.max)}`}`), b);
    return part;
  }));
  at("snapshots").hidden = !kept.length;
  showLesson();
}

let checking = 0, asking: AbortController | null = null, delay = 0;

/** Something was chosen: write it into the address, ask what it means, and start over what is running. */
function altered(wait = 0): void {
  history.replaceState(null, "", `#${written(s)}`);
  const again = live() && !paused;
  reset();
  show();
  clearTimeout(checking);
  checking = window.setTimeout(async () => {
    if (await check() && again) void start(false);
  }, wait);
}

async function check(): Promise<boolean> {
  asking?.abort();
  const own = (asking = new AbortController());
  try {
    const all = await Promise.all(s.lanes.map((_, i) => ask("check", sent(s, i), own.signal))), found = all[0];
    if (own.signal.aborted) return false;
    wrong = "";
    sizes = all.map((f) => f.parameters);
    codes = all.map((f) => ({ python: f.python ?? "", command: f.command ?? "" }));
    at("typeset").innerHTML = found.mathml ?? ""; // made from a parsed formula, every name escaped
    if (found.target) scene = { axes: found.axes, names: found.names, output: "y", target: found.target, points: runs.some((r) => r) ? scene?.points ?? [] : [] };
    else if (s.table) scene = ofTable(s.table);
  } catch (error) {
    if (own.signal.aborted) return false;
    failed(error);
    return false;
  } finally {
    if (!own.signal.aborted) { show(); tell(); }
  }
  return true;
}

function failed(error: unknown): void {
  if (error instanceof Refused) wrong = error.message;
  else status = "gone";
  tell();
}

function ofTable(table: Table): plots.Scene {
  const inputs = table.names.length - 1;
  const axes = Array.from({ length: inputs }, (_, i) => {
    const column = table.rows.map((r) => r[i]), low = Math.min(...column), high = Math.max(...column), n = inputs === 1 ? 301 : 45;
    return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
  });
  return { axes, names: table.names.slice(0, -1), output: table.names[inputs], target: null, points: table.rows };
}

// --- the run ---

function reset(): void {
  for (const r of runs) r?.abort.abort();
  runs = [];
  proven = null;
  chosen = null;
  status = "ready";
  tell();
}

/** Train, each lane of a race at once. */
async function start(wait: boolean): Promise<void> {
  if (drawing) return;
  reset();
  paused = wait;
  status = paused ? "paused" : s.lanes.some((l) => FIRST_ORDER.includes(l.method)) ? "learning" : "solving";
  const group: Run[] = s.lanes.map(() => ({ abort: new AbortController(), id: "", live: true, fit: null, scale: 1, layers: null, units: [], histograms: [], kinks: [], losses: [], done: null }));
  runs = group;
  tell();
  await Promise.all(group.map((r, i) => follow(r, i)));
  if (runs === group && group.every((r) => r.done)) { status = "done"; tried = true; showLesson(); tell(); }
}

async function follow(own: Run, i: number): Promise<void> {
  try {
    for await (const [kind, data] of stream("train", { ...sent(s, i), paused, delay }, own.abort.signal)) {
      if (runs[i] !== own) return;
      if (kind === "session") own.id = data.id;
      else if (kind === "frame") {
        if (data.axes) scene = { axes: data.axes, names: data.names, output: data.output, target: data.target, points: data.points };
        if (data.fit) Object.assign(own, { fit: data.fit, scale: data.y_scale ?? 1, layers: data.layers, units: data.units ?? [], histograms: data.histograms ?? [], kinks: data.kinks ?? [] });
        own.losses.push(...data.losses);
        if (own.losses.length > 4000) own.losses = own.losses.filter((_, k) => k % 2 === 0);
      } else if (kind === "done") { own.done = data; own.live = false; }
      else if (kind === "failed") { own.live = false; status = "stopped"; wrong = data.error; }
      tell();
    }
    if (runs[i] === own && own.live) { own.live = false; status = "gone"; tell(); }
  } catch (error) {
    if (own.abort.signal.aborted) return;
    own.live = false;
    status = "stopped";
    failed(error);
  }
}

async function control(action: string, more: object = {}): Promise<void> {
  await Promise.all(runs.map((r) => (r?.live && r.id ? ask("control", { session: r.id, action, ...more }) : null))).catch(failed);
}

at("play").addEventListener("click", () => {
  if (!live()) return void start(false);
  paused = !paused;
  status = paused ? "paused" : "learning";
  void control(paused ? "pause" : "resume");
  tell();
});
at("step").addEventListener("click", async () => {
  if (!live()) {
    void start(true);
    for (let i = 0; i < 40 && live() && runs.some((r) => !r?.id); i++) await new Promise((go) => setTimeout(go, 50));
  }
  if (live()) { paused = true; status = "paused"; void control("step"); tell(); }
});
at("reset").addEventListener("click", () => { reset(); void check(); });
at("speed").addEventListener("change", () => { delay = +at<HTMLSelectElement>("speed").value; void control("speed", { delay }); });

// --- what is chosen ---

box("formula").addEventListener("input", () => { s.formula = box("formula").value; scene = null; altered(150); });
box("formula").addEventListener("keydown", (e) => { if (e.key === "Enter") void start(false); });
const reads = (id: string, set: (v: number) => void) => box(id).addEventListener("change", () => { if (Number.isFinite(box(id).valueAsNumber)) { set(box(id).valueAsNumber); altered(); } });
for (const id of ["points", "noise"] as const) reads(id, (v) => (s[id] = v));
for (const id of ["lr", "batch", "epochs", "seed"] as const) reads(id, (v) => (one()[id] = v));
reads("points-slider", (v) => (s.points = Math.round(4 * 1250 ** v)));
reads("noise-slider", (v) => (s.noise = v));
const picks = (id: string, set: (v: string) => void) => at<HTMLSelectElement>(id).addEventListener("change", (e) => { set((e.target as HTMLSelectElement).value); altered(); });
picks("activation", (v) => (one().activations = one().hidden.map(() => v)));
picks("init", (v) => (one().init = v));
picks("method", (v) => {
  one().method = v;
  if (["features", "construct"].includes(v) && one().hidden.length > 1) s.lanes[current] = lane(one(), { hidden: [one().hidden[0]] });
});
picks("design", (v) => (s.design = v));
box("bias").addEventListener("change", () => { one().bias = box("bias").checked; altered(); });
at("settings").addEventListener("submit", (e) => e.preventDefault());
at("deeper").addEventListener("click", () => { one().hidden.push(one().hidden.at(-1)!); one().activations.push(one().activations.at(-1)!); altered(); });
at("shallower").addEventListener("click", () => { one().hidden.pop(); one().activations.pop(); altered(); });
at("race").addEventListener("click", () => {
  s.lanes = racing() ? [one()] : [one(), lane(one(), { method: one().method === "varpro" ? "adam" : "varpro" })];
  current = racing() ? 1 : 0;
  altered();
});
at<HTMLSelectElement>("preset").append(new Option(say("preset"), ""), ...PRESETS.map(([f], i) => new Option(f, String(i))));
at<HTMLSelectElement>("preset").addEventListener("change", (e) => {
  const found = PRESETS[+(e.target as HTMLSelectElement).value];
  if (!found || (e.target as HTMLSelectElement).value === "") return;
  leaveTable();
  s.formula = found[0]; s.domain = structuredClone(found[1]);
  if (Object.keys(found[1]).length === 2 && s.points < 1000) s.points = 1000;
  box("formula").value = s.formula;
  scene = null;
  altered();
});

// --- a drawn curve, a table ---

function leaveTable(): void { s.table = null; sheet = null; drawing = false; stroke = []; at("columns").hidden = true; }

at("draw").addEventListener("click", () => {
  if (drawing || s.table) { leaveTable(); scene = null; altered(); return; }
  reset();
  drawing = true;
  stroke = [];
  show();
  redraw();
});

function drawPad(canvas: HTMLCanvasElement): void {
  const [c, w, h] = plots.ready(canvas), style = getComputedStyle(document.documentElement);
  c.strokeStyle = style.getPropertyValue("--line");
  c.strokeRect(0.5, 0.5, w - 1, h - 1);
  c.beginPath(); c.moveTo(0, h / 2); c.lineTo(w, h / 2); c.stroke();
  c.strokeStyle = style.getPropertyValue("--ink");
  c.lineWidth = 2.5;
  c.beginPath();
  for (const [x, y] of stroke) c.lineTo(((x + 1) / 2) * w, ((1 - y) / 2) * h);
  c.stroke();
}

const pad = at<HTMLCanvasElement>("fit");
function pen(e: PointerEvent): void {
  const r = pad.getBoundingClientRect(), x = (2 * (e.clientX - r.left)) / r.width - 1, y = 1 - (2 * (e.clientY - r.top)) / r.height;
  if (x < -1 || x > 1 || (stroke.length && x <= stroke[stroke.length - 1][0] + 0.002)) return; // a function has one value at each x
  stroke.push([+x.toFixed(4), +Math.max(-1, Math.min(1, y)).toFixed(4)]);
  redraw();
}
pad.addEventListener("pointerdown", (e) => { if (drawing) { stroke = []; pad.setPointerCapture(e.pointerId); pen(e); } });
pad.addEventListener("pointermove", (e) => { if (drawing && e.buttons) pen(e); });
pad.addEventListener("pointerup", () => {
  if (!drawing) return;
  if (stroke.length < 8) { wrong = say("few"); return tell(); }
  const rows: [number, number][] = []; // evenly along x, between the points that were met
  for (let i = 1; i < stroke.length; i++) for (let k = 0; k < 3; k++) {
    const [a, b] = [stroke[i - 1], stroke[i]], t = k / 3;
    rows.push([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]);
  }
  drawing = false;
  s.table = { names: ["x", "y"], rows: [...rows, stroke[stroke.length - 1]] };
  altered();
  checking = window.setTimeout(async () => { if (await check()) void start(false); }, 0);
});

async function opened(text: string): Promise<void> {
  try {
    sheet = (await ask("table", { csv: text }).catch((first) => ask("table", { csv: text, decimal: "," }).catch(() => { throw first; }))) as Table;
    if (sheet.names.length < 2) throw new Refused(say("wide"));
    chooseColumns([Math.max(0, sheet.names.length - 2), sheet.names.length - 1]);
  } catch (error) { failed(error); }
}

/** Which columns are inputs (one or two) and values, where there are several. */
function chooseColumns(picked: number[]): void {
  if (!sheet) return;
  const [names, rows] = [sheet.names, sheet.rows], inputs = picked.slice(0, -1), y = picked[picked.length - 1];
  drawing = false;
  s.table = { names: picked.map((i) => names[i]), rows: rows.map((r) => picked.map((i) => r[i])) };
  const part = at("columns"), slots: [string, number, (v: number) => number[]][] = [
    ["x", inputs[0], (v) => [v, ...inputs.slice(1), y]], ["y", y, (v) => [...inputs, v]],
    ["x2", inputs[1] ?? -1, (v) => (v < 0 ? [inputs[0], y] : [inputs[0], v, y])],
  ];
  part.hidden = false;
  part.replaceChildren(...slots.filter(([letter]) => letter !== "x2" || names.length > 2).map(([letter, now, change]) => {
    const select = document.createElement("select");
    select.ariaLabel = `${say("column")} ${letter}`;
    if (letter === "x2") select.append(new Option(say("none"), "-1"));
    select.append(...names.map((n, i) => new Option(n, String(i), false, i === now)));
    select.addEventListener("change", () => chooseColumns(change(+select.value)));
    return row(letter, select);
  }), made("p", `${rows.length} ${say("rows")}`));
  scene = null;
  altered();
}

at("open").addEventListener("click", () => box("file").click());
box("file").addEventListener("change", async () => { const f = box("file").files?.[0]; if (f) await opened(await f.text()); box("file").value = ""; });
addEventListener("dragover", (e) => e.preventDefault());
addEventListener("drop", async (e) => { e.preventDefault(); const f = e.dataTransfer?.files[0]; if (f) await opened(await f.text()); });

// --- take it home ---

function download(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** The table of the picture, where no server writes it. */
function ownTable(): Blob {
  const r = mine()!, axes = scene!.axes, rows = [[...scene!.names, "fit", ...(scene!.target ? ["target"] : [])].join(",")];
  r.fit!.forEach((v, i) => rows.push([...axes.map((a, k) => (axes.length === 1 ? a[i] : k ? a[Math.floor(i / axes[0].length)] : a[i % axes[0].length])), v, ...(scene!.target ? [scene!.target[i]] : [])].join(",")));
  return new Blob([rows.join("\n") + "\n"], { type: "text/csv" });
}

for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]"))
  b.addEventListener("click", async () => {
    try {
      if (STATIC && b.dataset.file === "csv") return download("fit.csv", ownTable());
      if (STATIC) return at<HTMLCanvasElement>("fit").toBlob((blob) => blob && download("fit.png", blob));
      download(...(await file("export", { session: mine()?.id, to: b.dataset.file, lang })));
    } catch (error) { failed(error); }
  });
const copies = (id: string, text: () => string | Promise<string>) => at(id).addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(await text());
    at(id).textContent = say("copied");
    setTimeout(() => (at(id).textContent = say(id)), 1200);
  } catch (error) { if (error instanceof Refused) failed(error); }
});
copies("copy-python", () => codes[current].python);
copies("copy-command", () => codes[current].command);
copies("copy-c", async () => (await file("export", { session: mine()?.id, to: "c-text" }))[1].text());
copies("copy-link", () => location.href);
at("prove").addEventListener("click", async () => {
  const own = mine();
  proven = "…";
  tell();
  try {
    for await (const [kind, data] of stream("prove", { session: own?.id }, own?.abort.signal)) {
      if (mine() !== own) return;
      if (kind === "gap") at("proof").textContent = `${say("proving")} ${data.lower} ≤ max |${say("error")}| ≤ ${data.upper ?? "∞"}`;
      else { proven = data; tell(); }
    }
  } catch (error) { if (mine() === own) { proven = null; failed(error); } }
});
at("pin").addEventListener("click", () => {
  runs.forEach((r, i) => {
    if (r?.fit && scene) kept.push({ fit: r.fit, losses: r.losses.slice(), key: sceneKey(), scene, name: title(s.lanes[i]), max: r.done?.max ?? null });
  });
  kept = kept.slice(-6);
  show();
  tell();
});
at("forget").addEventListener("click", () => { kept = []; show(); tell(); });
at("axis").addEventListener("click", () => { seconds = !seconds; tell(); });
at("solid").addEventListener("click", () => { solid = !solid; tell(); });

// --- a unit, a surface ---

const canvasOf = (id: string) => at<HTMLCanvasElement>(id);
function choose(next: typeof chosen): void {
  if (JSON.stringify(next) === JSON.stringify(chosen)) return;
  chosen = next;
  tell();
}
for (const kind of ["pointermove", "pointerdown"] as const)
  canvasOf("network").addEventListener(kind, (e) => {
    const r = canvasOf("network").getBoundingClientRect(), x = e.clientX - r.left, y = e.clientY - r.top;
    const found = places.find((p) => Math.abs(p.x - x) < p.size / 2 + 4 && Math.abs(p.y - y) < p.size / 2 + 2);
    if (found || kind === "pointerdown" || e.pointerType === "mouse") choose(found ? { layer: found.layer, unit: found.unit } : null);
  });
canvasOf("network").addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") choose(null); });
canvasOf("network").addEventListener("keydown", (e) => {
  const move: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, by = move[e.key];
  if (e.key === "Escape") return choose(null);
  if (!by || !places.length) return;
  e.preventDefault();
  const layer = Math.max(1, Math.min(places.at(-1)!.layer, (chosen?.layer ?? 1) + by[0])), units = places.filter((p) => p.layer === layer).length;
  choose({ layer, unit: Math.max(0, Math.min(units - 1, chosen ? chosen.unit + by[1] : 0)) });
});

let turning: [number, number] | null = null;
pad.addEventListener("pointerdown", (e) => { if (solid && scene?.axes.length === 2) { turning = [e.clientX, e.clientY]; pad.setPointerCapture(e.pointerId); } });
pad.addEventListener("pointermove", (e) => {
  if (!turning || !e.buttons) return;
  view.turn += (e.clientX - turning[0]) / 150;
  view.tilt = Math.max(0.1, Math.min(1.4, view.tilt + (e.clientY - turning[1]) / 200));
  turning = [e.clientX, e.clientY];
  redraw();
});
pad.addEventListener("pointerup", () => (turning = null));

// --- lessons ---

function showLesson(): void {
  refill(at("lesson-list"), [lesson, lang], () => LESSONS.map((l, i) => {
    return button(`${i + 1}. ${either(l.name)}`, i === lesson, () => {
      lesson = i; tried = false; kept = []; current = 0;
      leaveTable();
      const first = lane(START.lanes[0], l.train);
      s = { ...structuredClone(START), ...structuredClone(l.data), lanes: l.rival ? [first, lane(first, l.rival)] : [first] };
      box("formula").value = s.formula;
      scene = null;
      altered();
    });
  }));
  const part = at("lesson"), found = LESSONS[lesson];
  part.hidden = !found;
  if (!found) return;
  const question = made("p", either(found.question)), task = made("p", `${say("try")}: ${either(found.task)}`);
  question.className = "question";
  const answer = made("p", `${say("answer")}: ${either(found.answer)}`);
  answer.className = "answer";
  answer.hidden = !tried;
  part.replaceChildren(question, task, answer);
}

// --- language, theme, size ---

at("lang").addEventListener("click", () => { speak(lang === "zh" ? "en" : "zh"); show(); tell(); });
const theme = (name: string) => { document.documentElement.dataset.theme = name; tell(); };
at("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  memory("theme", next);
  theme(next);
});
addEventListener("resize", redraw);
addEventListener("hashchange", () => { s = read(location.hash.slice(1)); current = 0; box("formula").value = s.formula; leaveTable(); scene = null; altered(); });

if (STATIC) {
  for (const id of ["open", "prove", "copy-python", "copy-command", "copy-c"]) at(id).hidden = true;
  for (const b of document.querySelectorAll<HTMLElement>("[data-file]")) b.hidden = !["png", "csv"].includes(b.dataset.file!);
  at("design").parentElement!.hidden = true;
  at("static").hidden = false;
}
speak(lang);
theme(memory("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
show();
tell();
void check();
