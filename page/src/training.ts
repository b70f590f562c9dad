// The run: what the settings mean, training as it is streamed, and a start over when something is changed meanwhile.

import { ask, Refused, stream } from "./api";
import { announce, live, page, type Run } from "./page";
import type { Scene } from "./plots";
import { sent, written, type Table } from "./state";

export const FIRST_ORDER = ["adam", "sgd", "adamw", "rmsprop", "nadam"];
let checking = 0, asking: AbortController | null = null;

const changed: ((typing: boolean) => void)[] = [];
/** Hear of each change of the settings. */
export function changing(hearer: (typing: boolean) => void): void { changed.push(hearer); }

/** All that is chosen, as the part of an address after its path. */
export function address(): string {
  const looks = new URLSearchParams(page.looks as Record<string, string>).toString();
  return `#${written(page.s)}${looks && "&"}${looks}`;
}

/** Something was chosen: write it into the address, ask what it means, and start over what is running. */
export function altered(wait = 0, begin = false): void {
  history.replaceState(null, "", address());
  for (const hearer of changed) hearer(wait > 0);
  const again = begin || (live() && !page.paused);
  reset();
  announce("settings");
  clearTimeout(checking);
  checking = window.setTimeout(async () => {
    if (await check() && again) void start(false);
  }, wait);
}

export async function check(): Promise<boolean> {
  asking?.abort();
  const own = (asking = new AbortController()), { s } = page;
  try {
    const all = await Promise.all(s.lanes.map((_, i) => ask("check", sent(s, i), own.signal))), found = all[0];
    if (own.signal.aborted) return false;
    page.wrong = "";
    page.sizes = all.map((f) => f.parameters);
    page.codes = all.map((f) => ({ python: f.python ?? "", command: f.command ?? "" }));
    document.getElementById("typeset")!.innerHTML = found.mathml ?? ""; // made from a parsed formula, every name escaped
    if (found.target) page.scene = { axes: found.axes, names: found.names, output: "y", target: found.target, points: page.runs.some((r) => r) ? page.scene?.points ?? [] : [] };
    else if (s.table) page.scene = ofTable(s.table);
  } catch (error) {
    if (own.signal.aborted) return false;
    failed(error);
    return false;
  } finally {
    if (!own.signal.aborted) announce("settings", "news");
  }
  return true;
}

export function failed(error: unknown): void {
  if (error instanceof Refused) page.wrong = error.message;
  else page.status = "gone";
  announce("news");
}

function ofTable(table: Table): Scene {
  const inputs = table.names.length - 1;
  const axes = Array.from({ length: inputs }, (_, i) => {
    let low = Infinity, high = -Infinity;
    for (const r of table.rows) { low = Math.min(low, r[i]); high = Math.max(high, r[i]); }
    const n = inputs === 1 ? 301 : 45;
    return Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
  });
  return { axes, names: table.names.slice(0, -1), output: table.names[inputs], target: null, points: table.rows };
}

export function reset(): void {
  for (const r of page.runs) r?.abort.abort();
  page.runs = [];
  page.proven = null;
  page.chosen = null;
  page.status = "ready";
  announce("news");
}

/** Train, each lane of a race at once. */
export async function start(wait: boolean): Promise<void> {
  if (page.drawing) return;
  reset();
  page.paused = wait;
  page.status = wait ? "paused" : page.s.lanes.some((l) => FIRST_ORDER.includes(l.method)) ? "learning" : "solving";
  const group: Run[] = page.s.lanes.map(() => ({ abort: new AbortController(), id: "", live: true, fit: null, scale: 1, layers: null, units: [], histograms: [], kinks: [], losses: [], done: null }));
  page.runs = group;
  announce("news");
  await Promise.all(group.map((r, i) => follow(r, i)));
  if (page.runs === group && group.every((r) => r.done)) {
    page.status = "done";
    page.tried = true;
    announce("settings", "news");
  }
}

async function follow(own: Run, i: number): Promise<void> {
  const current = () => page.runs[i] === own;
  try {
    for await (const [kind, data] of stream("train", { ...sent(page.s, i), paused: page.paused, delay: page.delay }, own.abort.signal)) {
      if (!current()) return;
      if (kind === "session") own.id = data.id;
      else if (kind === "frame") {
        if (data.axes) page.scene = { axes: data.axes, names: data.names, output: data.output, target: data.target, points: data.points };
        if (data.fit) Object.assign(own, { fit: data.fit, scale: data.y_scale ?? 1, layers: data.layers, units: data.units ?? [], histograms: data.histograms ?? [], kinks: data.kinks ?? [] });
        own.losses.push(...data.losses);
        if (own.losses.length > 4000) own.losses = own.losses.filter((_, k) => k % 2 === 0);
      } else if (kind === "done") { own.done = data; own.live = false; }
      else if (kind === "failed") { own.live = false; page.status = "stopped"; page.wrong = data.error; }
      announce("news");
    }
    if (current() && own.live) { own.live = false; page.status = "gone"; announce("news"); }
  } catch (error) {
    if (own.abort.signal.aborted || !current()) return;
    own.live = false;
    page.status = "stopped";
    failed(error);
  }
}

export async function control(action: string, more: object = {}): Promise<void> {
  await Promise.all(page.runs.map((r) => (r?.live && r.id ? ask("control", { session: r.id, action, ...more }) : null))).catch(failed);
}

/** Let it learn, hold it, let it go on. */
export function play(): void {
  if (!live()) return void start(false);
  page.paused = !page.paused;
  page.status = page.paused ? "paused" : "learning";
  void control(page.paused ? "pause" : "resume");
  announce("news");
}

/** One epoch, then pause. */
export async function step(): Promise<void> {
  if (!live()) {
    void start(true);
    for (let i = 0; i < 40 && live() && page.runs.some((r) => !r?.id); i++) await new Promise((go) => setTimeout(go, 50));
  }
  if (!live()) return;
  page.paused = true;
  page.status = "paused";
  void control("step");
  announce("news");
}
