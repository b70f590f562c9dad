// Drawings on canvas: curves with residuals, maps of two inputs, losses.

import { say } from "./words";

export type Row = (number | null)[];
export interface Scene { axes: number[][]; names: string[]; output: string; target: Row | null; points: number[][] }
export type Loss = [number, number | null, number | null, number]; // epoch, training, validation, seconds

/** Colours by name; without any those of the page's style are read. A notebook, which has a style of its own, sets them. */
export const palette: Record<string, string> = {};
export const ink = (name: string): string => palette[name] ?? getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function short(v: number | null | undefined, digits = 3): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const a = Math.abs(v);
  return (a < 1e-3 || a >= 1e5 ? v.toExponential(Math.max(0, digits - 1)) : String(+v.toPrecision(digits))).replace("e+", "e").replace(/-/g, "−");
}

/** How much larger than usual letters and lines are. */
export const zoom = (): number => (document.documentElement.dataset.size === "large" ? 1.3 : 1);

/** A canvas cleared and scaled for the screen; its size in the units of drawing: CSS pixels, larger with large letters. */
export function ready(canvas: HTMLCanvasElement): [CanvasRenderingContext2D, number, number] {
  const larger = zoom(), w = canvas.clientWidth / larger, h = canvas.clientHeight / larger, ratio = (window.devicePixelRatio || 1) * larger;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
  }
  const c = canvas.getContext("2d")!;
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, w, h);
  c.font = '12px system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif';
  return [c, w, h];
}

function ticks(low: number, high: number, about: number): number[] {
  const raw = (high - low) / about, base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * base).find((s) => s >= raw) ?? raw;
  const out: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) out.push(i * step);
  return out;
}

/** A tick as text, with as many digits as tell it from the next one. */
function tick(t: number, all: number[]): string {
  const step = all.length > 1 ? all[1] - all[0] : Math.abs(t) || 1, most = Math.max(...all.map(Math.abs));
  return short(Math.abs(t) < step * 1e-6 ? 0 : t, Math.min(12, Math.max(3, Math.ceil(Math.log10(most / step)) + 1)));
}

/** A text cut to a width. */
export function cut(c: CanvasRenderingContext2D, text: string, width: number): string {
  if (c.measureText(text).width <= width) return text;
  let n = text.length - 1;
  while (n > 1 && c.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n)}…`;
}

/** Room that the numbers of an axis need at its left. */
const margin = (c: CanvasRenderingContext2D, bottom: number, top: number, rows: number): number =>
  Math.max(0, ...ticks(bottom, top, rows).map((t, _, all) => c.measureText(tick(t, all)).width)) + 12;

export interface Frame { x: number; y: number; w: number; h: number; low: number; high: number; bottom: number; top: number }
export const px = (f: Frame, v: number) => f.x + ((v - f.low) / (f.high - f.low)) * f.w;
export const py = (f: Frame, v: number) => f.y + f.h - ((v - f.bottom) / (f.top - f.bottom)) * f.h;

export function frame(c: CanvasRenderingContext2D, f: Frame, label: string, under: boolean, rows = 5): void {
  c.strokeStyle = ink("grid");
  c.fillStyle = ink("soft");
  c.lineWidth = 1;
  c.textBaseline = "middle";
  c.textAlign = "right";
  const up = ticks(f.bottom, f.top, rows), along = ticks(f.low, f.high, Math.max(3, f.w / (f.w < 500 ? 60 : 90)));
  for (const t of up) {
    const y = py(f, t);
    c.beginPath(); c.moveTo(f.x, y); c.lineTo(f.x + f.w, y); c.stroke();
    c.fillText(tick(t, up), f.x - 6, y);
  }
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const t of along) {
    const x = px(f, t);
    c.beginPath(); c.moveTo(x, f.y); c.lineTo(x, f.y + f.h); c.stroke();
    if (under) c.fillText(tick(t, along), Math.min(x, f.x + f.w + 10 - c.measureText(tick(t, along)).width / 2), f.y + f.h + 5);
  }
  c.textAlign = "left";
  c.fillText(cut(c, label, f.w), f.x + 2, f.y - 15);
}

export function curve(c: CanvasRenderingContext2D, f: Frame, xs: ArrayLike<number>, ys: Row, colour: string, width = 2, dash: number[] = []): void {
  c.save();
  c.beginPath(); c.rect(f.x, f.y, f.w, f.h); c.clip();
  c.strokeStyle = colour;
  c.lineWidth = width;
  c.setLineDash(dash);
  c.lineJoin = "round";
  c.beginPath();
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    const v = ys[i];
    if (v === null || v === undefined) { pen = false; continue; }
    const y = Math.max(-1e4, Math.min(1e4, py(f, v)));
    if (pen) c.lineTo(px(f, xs[i]), y); else c.moveTo(px(f, xs[i]), y);
    pen = true;
  }
  c.stroke();
  c.restore();
}

export function range(...rows: (Row | number[])[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const row of rows) for (const v of row) if (v !== null && Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [-1, 1];
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

/** What is drawn over the target: the fit of a lane (its colour), one that was kept, or what a unit does (dashed). */
export interface Trace { values: Row; colour: string; dash?: number[]; own?: boolean; width?: number; label?: string; at?: number[] }

/** One input: data, target, fits, and below them the residuals; ReLU kinks as ticks on the axis, the worst point marked. */
export function line(canvas: HTMLCanvasElement, s: Scene, fits: Trace[], kinks: [Row, string][], extra: Trace[], worst: { x: number; y: number | null; label: string } | null): void {
  const [c, w, h] = ready(canvas);
  const xs = s.axes[0], low = xs[0], high = xs[xs.length - 1], known = s.target !== null;
  const rest = known ? 88 : 0, shown = s.points.map((p) => p[1]);
  const [bottom, top] = range(...(s.target ? [s.target] : []), shown.length ? shown : fits[0]?.values ?? []);
  const wrong = known ? fits.map((f) => f.values.map((v, i) => (v === null || s.target![i] === null ? null : v - s.target![i]!))) : [];
  const most = Math.max(...range(...wrong).map(Math.abs), 1e-300);
  const left = Math.max(58, margin(c, bottom, top, 5), known ? margin(c, -most, most, 4) : 0);
  const upper: Frame = { x: left, y: 20, w: w - left - 12, h: h - 20 - 26 - (rest ? rest + 22 : 0), low, high, bottom, top };
  frame(c, upper, s.output || "y", !rest);
  c.fillStyle = ink("data");
  for (const [x, y] of s.points) { c.beginPath(); c.arc(px(upper, x), py(upper, y), 2.2, 0, 7); c.fill(); }
  if (s.target) curve(c, upper, xs, s.target, ink("ink"), 1.6);
  for (const e of extra) {
    const [a, b] = range(e.values); // what is far larger than the data has a scale of its own, and is dashed
    const apart = e.own || b - a > 2 * (top - bottom) || a > top || b < bottom;
    const own: Frame = apart ? (([b, t]) => ({ ...upper, bottom: b, top: t }))(range(e.values)) : upper;
    curve(c, own, e.at ?? xs, e.values, ink(e.colour), 2, apart ? [6, 4] : e.dash ?? [6, 4]);
  }
  for (const f of fits) curve(c, upper, xs, f.values, ink(f.colour), 2.4);
  c.lineWidth = 1.5;
  kinks.forEach(([row, colour], i) => {
    c.strokeStyle = ink(colour);
    for (const k of row) if (k !== null) { const x = px(upper, k), y = upper.y + upper.h - 9 * i; c.beginPath(); c.moveTo(x, y); c.lineTo(x, y - 8); c.stroke(); }
  });
  const mark = (f: Frame, y: number | null) => {
    if (!worst) return;
    const x = px(f, worst.x);
    c.strokeStyle = c.fillStyle = ink("red");
    c.lineWidth = 1;
    c.setLineDash([3, 3]); c.beginPath(); c.moveTo(x, f.y); c.lineTo(x, f.y + f.h); c.stroke(); c.setLineDash([]);
    if (y !== null) { c.lineWidth = 2; c.beginPath(); c.arc(x, Math.max(f.y, Math.min(f.y + f.h, py(f, y))), 5, 0, 7); c.stroke(); }
  };
  mark(upper, worst?.y ?? null);
  if (worst) {
    c.textBaseline = "bottom";
    c.textAlign = px(upper, worst.x) > w / 2 ? "right" : "left";
    c.fillText(worst.label, px(upper, worst.x) + (c.textAlign === "left" ? 8 : -8), upper.y + upper.h - 14);
  }
  if (!rest) return;
  const lower: Frame = { ...upper, y: h - rest - 22, h: rest, bottom: -most, top: most };
  frame(c, lower, say("residual"), true, 4);
  wrong.forEach((row, i) => curve(c, lower, xs, row, ink(fits[i].colour), 1.6));
  mark(lower, null);
}

export const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis (van der Walt, Smith)
export function mix(stops: number[][], t: number): number[] {
  const at = Math.max(0, Math.min(1, t)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at)), f = at - i;
  return stops[i].map((v, k) => v + (stops[i + 1][k] - v) * f);
}
export const hex = (text: string): number[] => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

function map(c: CanvasRenderingContext2D, s: Scene, values: Row, box: [number, number, number, number], title: string, low: number, high: number, stops: number[][]): void {
  const [x, y, w, h] = box;
  image(c, values, s.axes[0].length, s.axes[1].length, box, low, high, stops);
  c.fillStyle = ink("ink");
  c.textAlign = "left"; c.textBaseline = "bottom";
  const scale_ = `${short(low)} … ${short(high)}`, room = w - c.measureText(scale_).width - 8;
  c.fillText(cut(c, title, room), x, y - 4);
  c.fillStyle = ink("soft");
  c.textAlign = "right";
  c.fillText(scale_, x + w, y - 4);
  c.textBaseline = "top"; c.textAlign = "left";
  s.names.forEach((n, i) => {
    const ends = ` ${short(s.axes[i][0])} … ${short(s.axes[i][s.axes[i].length - 1])}`, left = w / 2 - c.measureText(ends).width - 22;
    c.fillText(`${i ? "↑" : "→"} ${cut(c, n, Math.max(16, left))}${ends}`, x + (i * w) / 2, y + h + 4);
  });
}

/** Two inputs: maps of target, fits and signed errors, on scales that target and fits share. */
export function maps(canvas: HTMLCanvasElement, s: Scene, fits: Row[], worst: number[] | null): void {
  const [c, w, h] = ready(canvas);
  const [low, high] = range(s.target ?? [], s.target ? [] : s.points.map((p) => p[2]));
  const list: [Row, string, number, number, number[][], boolean][] = [];
  const name = (word: string, i: number) => say(word) + (fits.length > 1 ? ` ${"AB"[i]}` : "");
  if (s.target) list.push([s.target, say("target"), low, high, SCALE, false]);
  fits.forEach((fit, i) => { if (fits.length === 1 || !s.target) list.push([fit, name("fit", i), low, high, SCALE, true]); });
  if (s.target) {
    const wrong = fits.map((fit) => fit.map((v, i) => (v === null || s.target![i] === null ? null : v - s.target![i]!)));
    const most = wrong.reduce((m, row) => row.reduce((n: number, v) => Math.max(n, Math.abs(v ?? 0)), m), 1e-300);
    wrong.forEach((row, i) => list.push([row, name("residual", i), -most, most, [hex(ink("orange")), hex(ink("zero")), hex(ink("blue"))], false]));
  }
  // on a narrow screen the maps stand below each other, and the canvas is taller (style.css)
  const narrow = w < 560, gap = 14, n = narrow ? 1 : Math.max(list.length, 1);
  const rows = narrow ? Math.max(list.length, 1) : 1;
  const tall = Math.min((w - gap * (n - 1)) / n, h / rows - 42), wide = narrow ? w : (w - gap * (n - 1)) / n;
  list.forEach(([values, title, a, b, stops, dotted], i) => {
    const x = narrow ? 0 : i * (wide + gap), y = 20 + (narrow ? i * (tall + 42) : Math.max(0, (h - 42 - tall) / 2));
    map(c, s, values, [x, y, wide, tall], title, a, b, stops);
    const [ax, ay] = s.axes;
    const place = (p: number[]): [number, number] => [x + ((p[0] - ax[0]) / (ax[ax.length - 1] - ax[0])) * wide, y + tall - ((p[1] - ay[0]) / (ay[ay.length - 1] - ay[0])) * tall];
    c.fillStyle = ink("ink");
    if (dotted || !s.target) for (const p of s.points.slice(0, 200)) { const [u, v] = place(p); c.fillRect(u - 1, v - 1, 2, 2); }
    if (worst && i === list.length - 1) { const [u, v] = place(worst); c.strokeStyle = ink("red"); c.lineWidth = 2.5; c.beginPath(); c.arc(u, v, 7, 0, 7); c.stroke(); }
  });
}

/** Losses on a log scale, against epochs or seconds. */
export interface Losses { rows: Loss[]; colour: string; name: string; held: string | null; dash?: number[] }
export function losses(canvas: HTMLCanvasElement, all: Losses[], seconds: boolean): void {
  const [c, w, h] = ready(canvas);
  const log = (v: number | null) => (v !== null && v > 0 ? Math.log10(v) : null);
  const rows = all.flatMap((l) => l.rows), at = (r: Loss) => (seconds ? r[3] : r[0]);
  if (!rows.length) return;
  const [a, b] = range(rows.map((r) => log(r[1])), rows.map((r) => log(r[2])));
  const bottom = Math.floor(a), top = Math.max(Math.ceil(b), bottom + 1), most = rows.reduce((m, r) => Math.max(m, at(r)), seconds ? 1e-3 : 2);
  const f: Frame = { x: 46, y: 10, w: w - 46 - 24, h: h - 36, low: seconds ? 0 : 1, high: most, bottom, top };
  c.strokeStyle = ink("grid"); c.fillStyle = ink("soft"); c.textAlign = "right"; c.textBaseline = "middle";
  const every = Math.ceil((top - bottom) / 8);
  for (let e = bottom; e <= top; e += every) {
    c.beginPath(); c.moveTo(f.x, py(f, e)); c.lineTo(f.x + f.w, py(f, e)); c.stroke();
    c.fillText(`1e${e}`.replace("-", "−"), f.x - 6, py(f, e));
  }
  c.textAlign = "center"; c.textBaseline = "top";
  for (const t of ticks(f.low, most, Math.max(3, f.w / 70))) if (seconds || Number.isInteger(t)) c.fillText(short(t), px(f, t), f.y + f.h + 5);
  let y = f.y + 2;
  c.textAlign = "right"; c.textBaseline = "top";
  const legend = (colour: string, text: string) => { c.fillStyle = ink(colour); c.fillText(text, f.x + f.w - 4, y); y += 15; };
  for (const l of all) {
    const xs = l.rows.map(at);
    if (l.held) curve(c, f, xs, l.rows.map((r) => log(r[2])), ink(l.held), 1.4, l.held === l.colour ? [2, 3] : []);
    curve(c, f, xs, l.rows.map((r) => log(r[1])), ink(l.colour), 1.8, l.dash ?? []);
    legend(l.colour, l.name);
    if (l.held && l.held !== l.colour && l.rows.some((r) => r[2] !== null)) legend(l.held, say("validation"));
  }
}

/** A small picture of a fit, to stand beside others. */
export function small(canvas: HTMLCanvasElement, s: Scene, fit: Row): void {
  const [c, w, h] = ready(canvas);
  if (s.axes.length === 2) {
    const [low, high] = range(s.target ?? fit);
    image(c, fit, s.axes[0].length, s.axes[1].length, [0, 0, w, h], low, high, SCALE);
    return;
  }
  const xs = s.axes[0], [bottom, top] = range(s.target ?? s.points.map((p) => p[1]));
  const f: Frame = { x: 2, y: 2, w: w - 4, h: h - 4, low: xs[0], high: xs[xs.length - 1], bottom, top };
  if (s.target) curve(c, f, xs, s.target, ink("ink"), 1);
  curve(c, f, xs, fit, ink("kept"), 2);
}

/** Values on a grid, the first axis from left to right and the second upwards, as colours in a rectangle. */
export function image(c: CanvasRenderingContext2D, values: Row, nx: number, ny: number, box: [number, number, number, number], low: number, high: number, stops: number[][]): void {
  const found = new ImageData(nx, ny);
  for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++) {
    const v = values[j * nx + i], k = 4 * ((ny - 1 - j) * nx + i);
    const rgb = v === null || v === undefined ? [128, 128, 128] : mix(stops, (v - low) / (high - low || 1));
    found.data.set([...rgb, v === null || v === undefined ? 60 : 255], k);
  }
  const sheet = new OffscreenCanvas(nx, ny);
  sheet.getContext("2d")!.putImageData(found, 0, 0);
  c.imageSmoothingEnabled = true;
  c.drawImage(sheet, ...box);
}
