// The page: settings on one side, the run on the other. A change of settings starts a run in progress over again.

import { ask, file, Refused, stream } from "./api";
import { LESSONS, PRESETS } from "./lessons";
import * as plots from "./plots";
import { read, sent, START, written, type Settings, type Table } from "./state";
import { either, lang, proof, result, say, speak } from "./words";

const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const box = (id: string) => at<HTMLInputElement>(id);
const choices: Record<string, string[]> = {
  activation: ["tanh", "relu", "sigmoid", "silu", "gelu", "softplus", "sin"],
  method: ["adam", "sgd", "features", "varpro", "lm", "auto"],
};
const FIRST_ORDER = ["adam", "sgd"];

interface Run {
  abort: AbortController; id: string; live: boolean; paused: boolean; fit: plots.Row | null; layers: plots.Layer[] | null; kinks: plots.Row;
  losses: plots.Loss[]; done: any;
}

let s: Settings = read(location.hash.slice(1));
let scene: plots.Scene | null = null;
let run: Run | null = null;
let kept: { losses: plots.Loss[]; fit: plots.Row | null; key: string } | null = null;
let code = { python: "", command: "" };
let wrong = "", status = "ready", parameters: number | null = null, proven: any = null;
let lesson = -1, tried = false, drawing = false, sheet: Table | null = null;
let stroke: [number, number][] = [];

// --- drawing, at most once a frame ---

let dirty = false;
function redraw(): void {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => { dirty = false; draw(); });
}

function draw(): void {
  const canvas = at<HTMLCanvasElement>("fit");
  canvas.classList.toggle("maps", !drawing && scene?.axes.length === 2);
  if (drawing) drawPad(canvas);
  else if (scene) {
    const two = scene.axes.length === 2;
    if (two) plots.maps(canvas, scene, run?.fit ?? null);
    else plots.line(canvas, scene, run?.fit ?? null, run?.kinks ?? [], kept?.key === sceneKey() ? kept.fit : null);
  } else plots.ready(canvas);
  plots.losses(at<HTMLCanvasElement>("losses"), run?.losses ?? [], kept?.losses ?? []);
  const names = scene?.names ?? ["x"];
  const sizes = run?.layers?.length ? [run.layers[0].n_in, ...run.layers.map((l) => l.n_out)] : [names.length, ...(s.method === "auto" ? [] : s.hidden), 1];
  plots.network(at<HTMLCanvasElement>("network"), sizes, run?.layers ?? null, names, scene?.output ?? "y");
}

const sceneKey = () => JSON.stringify([scene?.axes.map((a) => [a[0], a[a.length - 1]]), s.table ? "table" : s.formula]);

/** What the page says about the run: numbers, buttons, sentences. */
function tell(): void {
  const last = run?.losses[run.losses.length - 1];
  at("epoch").textContent = String(last?.[0] ?? 0);
  at("loss").textContent = plots.short(last?.[1]);
  at("parameters").textContent = run?.done ? String(run.done.parameters) : parameters === null ? "–" : String(parameters);
  at("play").textContent = !run?.live ? say("start") : run.paused ? say("resume") : say("pause");
  at("fault").textContent = wrong;
  box("formula").setAttribute("aria-invalid", String(wrong !== ""));
  const done = run?.done;
  if (done && status === "done") {
    const place = Object.entries(done.at ?? {}).map(([n, v]) => `${n} = ${plots.short(v as number, 4)}`).join(", ");
    at("status").textContent = result(plots.short(done.max), plots.short(done.seconds), done.measured, place);
  } else at("status").textContent = say(status);
  for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]")) b.disabled = !done;
  box("prove").disabled = !done?.provable;
  box("pin").disabled = !kept && !run?.losses.length;
  at("pin").textContent = say(kept ? "unpin" : "pin");
  for (const id of ["copy-python", "copy-command"]) box(id).disabled = !code.python;
  at("card").replaceChildren(...(done?.card[lang] ?? []).flatMap(([k, v]: [string, string]) => [made("dt", k), made("dd", v)]));
  at("proof").textContent = proven === null ? "" : proven === "…" ? say("proving") : proven.error ?? proof(proven.lower, proven.upper);
  const key = at("key");
  const item = (kind: string, word: string) => { const i = document.createElement("i"); i.className = kind; return [i, made("span", say(word))]; };
  key.replaceChildren(...(scene?.axes.length === 2 ? [] : [...item("data", "points"), ...item("target", "target"), ...item("fit", "fit"), ...(kept ? item("ghost", "kept") : [])]));
  at("fit").ariaLabel = `${say("see-fit")}: ${s.table ? s.table.names.join(", ") : s.formula}. ${at("status").textContent}`;
  at("network").ariaLabel = `${say("see-network")}: ${s.hidden.join(", ")} ${say("units")}`;
  at("losses").ariaLabel = `${say("see-loss")}: ${plots.short(last?.[1])}`;
  at("theme").textContent = say(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  at<HTMLSelectElement>("preset").options[0].textContent = say("preset");
  at("lang").textContent = lang === "zh" ? "English" : "中文";
  redraw();
}

function made(tag: string, text: string): HTMLElement {
  const e = document.createElement(tag);
  e.textContent = text;
  return e;
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

function numeric(value: number, label: string, changed: (v: number) => void): HTMLInputElement {
  const input = document.createElement("input");
  input.type = "number"; input.step = "any"; input.value = String(value); input.ariaLabel = label;
  input.addEventListener("change", () => { if (Number.isFinite(input.valueAsNumber)) { changed(input.valueAsNumber); altered(); } });
  return input;
}

function show(): void {
  if (document.activeElement !== at("formula")) box("formula").value = s.formula;
  box("formula").disabled = s.table !== null;
  for (const id of ["points", "noise", "lr", "batch", "epochs", "seed"] as const) if (document.activeElement !== at(id)) box(id).value = String(s[id]);
  for (const id of ["points", "noise"]) box(id).disabled = s.table !== null;
  for (const [id, list] of Object.entries(choices)) {
    const select = at<HTMLSelectElement>(id);
    if (!select.options.length) select.append(...list.map((name) => new Option(name, name)));
    select.value = s[id as "activation" | "method"];
  }
  for (const e of document.querySelectorAll<HTMLElement>(".first-order")) e.hidden = !FIRST_ORDER.includes(s.method);
  for (const e of document.querySelectorAll<HTMLElement>(".counted")) e.hidden = ![...FIRST_ORDER, "lm"].includes(s.method);
  const named = s.table ? [] : scene?.names ?? Object.keys(s.domain);
  const domain = at("domain");
  const key = JSON.stringify([named, named.map((n) => s.domain[n]), lang]);
  if (domain.dataset.key !== key) {
    domain.dataset.key = key;
    domain.replaceChildren(...named.map((name) => {
      s.domain[name] ??= [-3, 3];
      const [low, high] = s.domain[name];
      return row(name, numeric(low, `${name} ${say("from")}`, (v) => (s.domain[name] = [v, s.domain[name][1]])), numeric(high, `${name} ${say("to")}`, (v) => (s.domain[name] = [s.domain[name][0], v])));
    }));
  }
  const layers = at("layers"), stamp = JSON.stringify([s.hidden, s.method === "auto", lang]);
  if (layers.dataset.key !== stamp) {
    const focus = (document.activeElement as HTMLElement)?.dataset?.unit;
    layers.dataset.key = stamp;
    layers.replaceChildren(...(s.method === "auto" ? [made("p", say("chosen"))] : s.hidden.map((n, i) => {
      const label = lang === "zh" ? `第 ${i + 1} 层` : `layer ${i + 1}`;
      const button = (text: string, word: string, change: number) => {
        const b = document.createElement("button");
        b.type = "button"; b.textContent = text; b.ariaLabel = `${label}: ${say(word)}`; b.dataset.unit = `${i}${text}`;
        b.addEventListener("click", () => { s.hidden[i] = Math.max(1, Math.min(256, n + change * (n >= 32 + (change < 0 ? 1 : 0) ? 8 : 1))); altered(); });
        return b;
      };
      return row(label, button("−", "fewer", -1), made("output", String(n)), button("+", "more", 1));
    })));
    if (focus) layers.querySelector<HTMLElement>(`[data-unit="${CSS.escape(focus)}"]`)?.focus();
  }
  for (const id of ["deeper", "shallower"]) box(id).disabled = s.method === "auto" || (id === "deeper" ? s.hidden.length >= 6 : s.hidden.length <= 1);
  at("draw").ariaPressed = String(drawing);
  at("draw").textContent = say(s.table && !drawing ? "formulaAgain" : "draw");
  at("drawing").hidden = !drawing;
  at("fit").classList.toggle("drawing", drawing);
  showLesson();
}

let checking = 0, asking: AbortController | null = null;

/** Something was chosen: write it into the address, ask what it means, and start over what is running. */
function altered(wait = 0): void {
  history.replaceState(null, "", `#${written(s)}`);
  const again = run?.live && !run.paused;
  reset();
  show();
  clearTimeout(checking);
  checking = window.setTimeout(async () => {
    if (await check() && again) void start(false);
  }, wait);
}

async function check(): Promise<boolean> {
  asking?.abort();
  const mine = (asking = new AbortController());
  try {
    const found = await ask("check", sent(s), mine.signal);
    wrong = "";
    parameters = found.parameters;
    code = { python: found.python ?? "", command: found.command ?? "" };
    at("typeset").innerHTML = found.mathml ?? ""; // made by the server from a parsed formula, every name escaped
    if (found.target) scene = { axes: found.axes, names: found.names, output: "y", target: found.target, points: run ? scene?.points ?? [] : [] };
    else if (s.table) scene = ofTable(s.table);
  } catch (error) {
    if (mine.signal.aborted) return false;
    failed(error);
    return false;
  } finally {
    if (!mine.signal.aborted) { show(); tell(); }
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
  run?.abort.abort();
  run = null;
  proven = null;
  status = "ready";
  tell();
}

async function start(paused: boolean): Promise<void> {
  if (drawing) return;
  reset();
  const mine: Run = { abort: new AbortController(), id: "", live: true, paused, fit: null, layers: null, kinks: [], losses: [], done: null };
  run = mine;
  status = FIRST_ORDER.includes(s.method) ? (paused ? "paused" : "learning") : "solving";
  tell();
  try {
    for await (const [kind, data] of stream("train", { ...sent(s), paused }, mine.abort.signal)) {
      if (run !== mine) return;
      if (kind === "session") mine.id = data.id;
      else if (kind === "frame") {
        if (data.axes) scene = { axes: data.axes, names: data.names, output: data.output, target: data.target, points: data.points };
        if (data.fit) { mine.fit = data.fit; mine.layers = data.layers; mine.kinks = data.kinks ?? []; }
        mine.losses.push(...data.losses);
        if (mine.losses.length > 4000) mine.losses = mine.losses.filter((_, i) => i % 2 === 0);
      } else if (kind === "done") { mine.done = data; mine.live = false; status = "done"; tried = true; showLesson(); }
      else if (kind === "failed") { mine.live = false; status = "stopped"; wrong = data.error; }
      tell();
    }
    if (run === mine && mine.live) { mine.live = false; status = "gone"; tell(); }
  } catch (error) {
    if (mine.abort.signal.aborted) return;
    mine.live = false;
    status = "stopped";
    failed(error);
  }
}

async function control(action: string): Promise<void> {
  if (run?.id) await ask("control", { session: run.id, action }).catch(failed);
}

at("play").addEventListener("click", () => {
  if (!run?.live) return void start(false);
  run.paused = !run.paused;
  status = run.paused ? "paused" : "learning";
  void control(run.paused ? "pause" : "resume");
  tell();
});
at("step").addEventListener("click", async () => {
  if (!run?.live) {
    void start(true);
    for (let i = 0; i < 40 && run?.live && !run.id; i++) await new Promise((go) => setTimeout(go, 50));
  }
  if (run?.live) { run.paused = true; status = "paused"; void control("step"); tell(); }
});
at("reset").addEventListener("click", () => { reset(); void check(); });

// --- what is chosen ---

box("formula").addEventListener("input", () => { s.formula = box("formula").value; scene = null; altered(150); });
box("formula").addEventListener("keydown", (e) => { if (e.key === "Enter") void start(false); });
for (const id of ["points", "noise", "lr", "batch", "epochs", "seed"] as const)
  box(id).addEventListener("change", () => { if (Number.isFinite(box(id).valueAsNumber)) { s[id] = box(id).valueAsNumber; altered(); } });
for (const id of ["activation", "method"] as const) at<HTMLSelectElement>(id).addEventListener("change", (e) => { s[id] = (e.target as HTMLSelectElement).value; altered(); });
at("settings").addEventListener("submit", (e) => e.preventDefault());
at("deeper").addEventListener("click", () => { s.hidden.push(s.hidden[s.hidden.length - 1]); altered(); });
at("shallower").addEventListener("click", () => { s.hidden.pop(); altered(); });
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

/** Which columns are x and y, where there are several. */
function chooseColumns(chosen: number[]): void {
  if (!sheet) return;
  const [names, rows] = [sheet.names, sheet.rows];
  drawing = false;
  s.table = { names: chosen.map((i) => names[i]), rows: rows.map((r) => chosen.map((i) => r[i])) };
  const part = at("columns");
  part.hidden = false;
  part.replaceChildren(...["x", "y"].map((letter, k) => {
    const select = document.createElement("select");
    select.ariaLabel = `${say("column")} ${letter}`;
    select.append(...names.map((n, i) => new Option(n, String(i), false, i === chosen[k])));
    select.addEventListener("change", () => chooseColumns(chosen.map((c, i) => (i === k ? +select.value : c))));
    return row(letter, select);
  }), made("p", `${rows.length} ${say("rows")}`));
  altered();
}

at("open").addEventListener("click", () => box("file").click());
box("file").addEventListener("change", async () => { const f = box("file").files?.[0]; if (f) await opened(await f.text()); box("file").value = ""; });
addEventListener("dragover", (e) => e.preventDefault());
addEventListener("drop", async (e) => { e.preventDefault(); const f = e.dataTransfer?.files[0]; if (f) await opened(await f.text()); });

// --- take it home ---

for (const b of document.querySelectorAll<HTMLButtonElement>("[data-file]"))
  b.addEventListener("click", async () => {
    try {
      const link = document.createElement("a");
      const [name, content] = await file("export", { session: run?.id, to: b.dataset.file });
      link.href = URL.createObjectURL(content);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    } catch (error) { failed(error); }
  });
for (const kind of ["python", "command"] as const)
  at(`copy-${kind}`).addEventListener("click", async (e) => {
    const b = e.target as HTMLElement;
    await navigator.clipboard.writeText(code[kind]);
    b.textContent = say("copied");
    setTimeout(() => (b.textContent = say(`copy-${kind}`)), 1200);
  });
at("prove").addEventListener("click", async () => {
  const mine = run;
  proven = "…";
  tell();
  try {
    for await (const [kind, data] of stream("prove", { session: mine?.id }, mine?.abort.signal)) {
      if (run !== mine) return;
      if (kind === "gap") at("proof").textContent = `${say("proving")} ${data.lower} ≤ max |${say("error")}| ≤ ${data.upper ?? "∞"}`;
      else { proven = data; tell(); }
    }
  } catch (error) { if (run === mine) { proven = null; failed(error); } }
});
at("pin").addEventListener("click", () => {
  kept = kept ? null : run ? { losses: run.losses.slice(), fit: run.fit, key: sceneKey() } : null;
  tell();
});

// --- lessons ---

function showLesson(): void {
  at("lesson-list").replaceChildren(...LESSONS.map((l, i) => {
    const b = made("button", `${i + 1}. ${either(l.name)}`) as HTMLButtonElement;
    b.type = "button"; b.ariaPressed = String(i === lesson);
    b.addEventListener("click", () => {
      lesson = i; tried = false; kept = null;
      leaveTable();
      s = { ...structuredClone(START), ...structuredClone(l.set) };
      box("formula").value = s.formula;
      scene = null;
      altered();
      at("lesson-list").querySelectorAll("button")[i]?.focus();
    });
    return b;
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
  localStorage.setItem("theme", next);
  theme(next);
});
addEventListener("resize", redraw);
addEventListener("hashchange", () => { s = read(location.hash.slice(1)); box("formula").value = s.formula; leaveTable(); scene = null; altered(); });

speak(lang);
theme(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
show();
tell();
void check();
