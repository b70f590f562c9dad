// The drawings of the page, made at most once a frame of the screen.

import { canvasOf } from "./dom";
import * as nets from "./network";
import { announce, hear, mine, one, page, racing, sceneKey } from "./page";
import * as plots from "./plots";
import { surfaces, view } from "./surface";
import { say } from "./words";

const COLOURS = ["orange", "ghost"]; // of the fits A and B
let dirty = false, places: nets.Place[] = [];

export function redraw(): void {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => { dirty = false; draw(); });
}

function draw(): void {
  const canvas = canvasOf("fit"), { scene, runs, kept, s } = page, two = scene?.axes.length === 2, fits = runs.map((r) => r?.fit ?? null);
  canvas.classList.toggle("maps", !page.drawing && !!two && !page.solid);
  canvas.classList.toggle("turning", !page.drawing && !!two && page.solid);
  if (page.drawing) drawPad(canvas);
  else if (scene && two && page.solid) surfaces(canvas, scene, mine()?.fit ?? null);
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
  plots.losses(canvasOf("losses"), lines, page.seconds);
  const names = scene?.names ?? ["x"], r = mine();
  const widths = r?.layers?.length ? [r.layers[0].n_in, ...r.layers.map((l) => l.n_out)] : [names.length, ...(one().method === "auto" ? [] : one().hidden), 1];
  places = nets.network(canvasOf("network"), widths, r?.layers ?? null, r?.units ?? [], names, scene?.output ?? "y", names.length, page.chosen);
  nets.histograms(canvasOf("histograms"), r?.histograms ?? []);
  const strip = document.querySelectorAll<HTMLCanvasElement>("#strip canvas");
  for (const [i, k] of kept.entries()) if (strip[i]) plots.small(strip[i], k.scene, k.fit);
}

const nearest = (axis: number[], v: number) => axis.reduce((best, a, i) => (Math.abs(a - v) < Math.abs(axis[best] - v) ? i : best), 0);

/** Where the error of the shown fit is largest, as a proof found it. */
function worstPoint(): number[] | null {
  const { proven, scene } = page, found = proven?.at && Object.keys(proven.at).length ? proven.at : null;
  return found && scene ? scene.names.map((n) => found[n]) : null;
}

/** What the unit that was chosen does: what it adds to the fit, if it is of the last hidden layer (one input). */
function unitTrace(): plots.Trace | null {
  const r = mine(), { chosen, scene } = page, found = chosen && r?.units[chosen.layer - 1]?.values[chosen.unit];
  if (!found || !r || !scene || scene.axes.length !== 1) return null;
  const every = (scene.axes[0].length - 1) / (found.length - 1), axis = scene.axes[0];
  const xs = found.map((_, i) => axis[Math.round(i * every)]);
  const last = chosen!.layer === r.units.length, w = r.layers?.at(-1)?.w[0]?.[chosen!.unit] ?? 0;
  return last ? { values: found.map((v) => (v === null ? null : v * w * r.scale)), colour: "blue", dash: [], at: xs } : { values: found, colour: "blue", own: true, at: xs };
}

/** The empty sheet on which a curve is drawn. */
function drawPad(canvas: HTMLCanvasElement): void {
  const [c, w, h] = plots.ready(canvas);
  c.strokeStyle = plots.ink("line");
  c.strokeRect(0.5, 0.5, w - 1, h - 1);
  c.beginPath(); c.moveTo(0, h / 2); c.lineTo(w, h / 2); c.moveTo(w / 2, 0); c.lineTo(w / 2, h); c.stroke();
  c.strokeStyle = plots.ink("ink");
  c.lineWidth = 2.5;
  c.beginPath();
  for (const [x, y] of page.stroke) c.lineTo(((x + 1) / 2) * w, ((1 - y) / 2) * h);
  c.stroke();
}

// --- a unit is chosen, a surface turned ---

function choose(next: typeof page.chosen): void {
  if (JSON.stringify(next) === JSON.stringify(page.chosen)) return;
  page.chosen = next;
  announce("news");
}

export function look(): void {
  hear("news", redraw);
  addEventListener("resize", redraw);
  const net = canvasOf("network"), pad = canvasOf("fit");
  for (const kind of ["pointermove", "pointerdown"] as const)
    net.addEventListener(kind, (e) => {
      const r = net.getBoundingClientRect(), x = (e.clientX - r.left) / plots.zoom(), y = (e.clientY - r.top) / plots.zoom();
      const found = places.find((p) => Math.abs(p.x - x) < p.size / 2 + 4 && Math.abs(p.y - y) < p.size / 2 + 2);
      if (found || kind === "pointerdown" || e.pointerType === "mouse") choose(found ? { layer: found.layer, unit: found.unit } : null);
    });
  net.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") choose(null); });
  net.addEventListener("keydown", (e) => {
    const move: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, by = move[e.key];
    if (e.key === "Escape") return choose(null);
    if (!by || !places.length) return;
    e.preventDefault();
    const { chosen } = page, layer = Math.max(1, Math.min(places.at(-1)!.layer, (chosen?.layer ?? 1) + by[0])), units = places.filter((p) => p.layer === layer).length;
    choose({ layer, unit: Math.max(0, Math.min(units - 1, chosen ? chosen.unit + by[1] : 0)) });
  });

  let turning: [number, number] | null = null;
  const turn = (x: number, y: number) => {
    view.turn += x / 150;
    view.tilt = Math.max(0.1, Math.min(1.4, view.tilt + y / 200));
    redraw();
  };
  const turns = () => page.solid && page.scene?.axes.length === 2 && !page.drawing;
  pad.addEventListener("pointerdown", (e) => { if (turns()) { turning = [e.clientX, e.clientY]; pad.setPointerCapture(e.pointerId); } });
  pad.addEventListener("pointermove", (e) => {
    if (!turning || !e.buttons) return;
    turn(e.clientX - turning[0], e.clientY - turning[1]);
    turning = [e.clientX, e.clientY];
  });
  for (const kind of ["pointerup", "pointercancel"] as const) pad.addEventListener(kind, () => (turning = null));
  pad.addEventListener("keydown", (e) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [-15, 0], ArrowRight: [15, 0], ArrowUp: [0, -15], ArrowDown: [0, 15] };
    if (!turns() || !by[e.key]) return;
    e.preventDefault();
    turn(...by[e.key]);
  });
}
