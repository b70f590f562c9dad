// Drawings on canvas: curves with residuals, maps of two inputs, losses, the network.

import { say } from "./words";

export type Row = (number | null)[];
export interface Layer { n_in: number; n_out: number; w: Row[]; b: Row }
export interface Scene { axes: number[][]; names: string[]; output: string; target: Row | null; points: number[][] }
export type Loss = [number, number | null, number | null];

const ink = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function short(v: number | null | undefined, digits = 3): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const a = Math.abs(v);
  return (a < 1e-3 || a >= 1e5 ? v.toExponential(Math.max(0, digits - 1)) : String(+v.toPrecision(digits))).replace("e+", "e").replace(/-/g, "−");
}

/** A canvas cleared and scaled for the screen; its size in CSS pixels. */
export function ready(canvas: HTMLCanvasElement): [CanvasRenderingContext2D, number, number] {
  const w = canvas.clientWidth, h = canvas.clientHeight, ratio = window.devicePixelRatio || 1;
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

export interface Frame { x: number; y: number; w: number; h: number; low: number; high: number; bottom: number; top: number }
const px = (f: Frame, v: number) => f.x + ((v - f.low) / (f.high - f.low)) * f.w;
const py = (f: Frame, v: number) => f.y + f.h - ((v - f.bottom) / (f.top - f.bottom)) * f.h;

function frame(c: CanvasRenderingContext2D, f: Frame, label: string, under: boolean, rows = 5): void {
  c.strokeStyle = ink("grid");
  c.fillStyle = ink("soft");
  c.lineWidth = 1;
  c.textBaseline = "middle";
  c.textAlign = "right";
  for (const t of ticks(f.bottom, f.top, rows)) {
    const y = py(f, t);
    c.beginPath(); c.moveTo(f.x, y); c.lineTo(f.x + f.w, y); c.stroke();
    c.fillText(short(t), f.x - 6, y);
  }
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const t of ticks(f.low, f.high, Math.max(2, f.w / 90))) {
    const x = px(f, t);
    c.beginPath(); c.moveTo(x, f.y); c.lineTo(x, f.y + f.h); c.stroke();
    if (under) c.fillText(short(t), x, f.y + f.h + 5);
  }
  c.textAlign = "left";
  c.fillText(label, f.x + 2, f.y - 15);
}

function curve(c: CanvasRenderingContext2D, f: Frame, xs: ArrayLike<number>, ys: Row, colour: string, width = 2, dash: number[] = []): void {
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

function range(...rows: (Row | number[])[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const row of rows) for (const v of row) if (v !== null && Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [-1, 1];
  const pad = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

/** One input: data, target, fit, and below it the residual; ReLU kinks as ticks on the axis. */
export function line(canvas: HTMLCanvasElement, s: Scene, fit: Row | null, kinks: Row, ghost: Row | null): void {
  const [c, w, h] = ready(canvas);
  const xs = s.axes[0], low = xs[0], high = xs[xs.length - 1], known = s.target !== null, left = 58;
  const rest = known ? 88 : 0, shown = s.points.map((p) => p[1]);
  const [bottom, top] = range(...(s.target ? [s.target] : []), shown.length ? shown : fit ?? []);
  const upper: Frame = { x: left, y: 20, w: w - left - 12, h: h - 20 - 26 - (rest ? rest + 22 : 0), low, high, bottom, top };
  frame(c, upper, s.output || "y", !rest);
  c.fillStyle = ink("data");
  for (const [x, y] of s.points) { c.beginPath(); c.arc(px(upper, x), py(upper, y), 2.2, 0, 7); c.fill(); }
  if (s.target) curve(c, upper, xs, s.target, ink("ink"), 1.6);
  if (ghost) curve(c, upper, xs, ghost, ink("ghost"), 2, [6, 4]);
  if (fit) curve(c, upper, xs, fit, ink("orange"), 2.4);
  c.strokeStyle = ink("blue");
  c.lineWidth = 1.5;
  for (const k of kinks) if (k !== null) { const x = px(upper, k), y = upper.y + upper.h; c.beginPath(); c.moveTo(x, y); c.lineTo(x, y - 8); c.stroke(); }
  if (!rest) return;
  const wrong = fit ? fit.map((v, i) => (v === null || s.target![i] === null ? null : v - s.target![i]!)) : [];
  const most = Math.max(...range(wrong).map(Math.abs), 1e-300);
  const lower: Frame = { ...upper, y: h - rest - 22, h: rest, bottom: -most, top: most };
  frame(c, lower, say("residual"), true, 4);
  if (fit) curve(c, lower, xs, wrong, ink("orange"), 1.6);
}

const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis (van der Walt, Smith)
function mix(stops: number[][], t: number): number[] {
  const at = Math.max(0, Math.min(1, t)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(at)), f = at - i;
  return stops[i].map((v, k) => v + (stops[i + 1][k] - v) * f);
}
const hex = (text: string): number[] => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));

function map(c: CanvasRenderingContext2D, s: Scene, values: Row, box: [number, number, number, number], title: string, low: number, high: number, stops: number[][]): void {
  const [x, y, w, h] = box, nx = s.axes[0].length, ny = s.axes[1].length;
  const image = new ImageData(nx, ny);
  for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++) {
    const v = values[j * nx + i], k = 4 * ((ny - 1 - j) * nx + i);
    const rgb = v === null || v === undefined ? [128, 128, 128] : mix(stops, (v - low) / (high - low || 1));
    image.data.set([...rgb, v === null || v === undefined ? 60 : 255], k);
  }
  const small = new OffscreenCanvas(nx, ny);
  small.getContext("2d")!.putImageData(image, 0, 0);
  c.imageSmoothingEnabled = true;
  c.drawImage(small, x, y, w, h);
  c.fillStyle = ink("ink");
  c.textAlign = "left"; c.textBaseline = "bottom";
  c.fillText(title, x, y - 4);
  c.fillStyle = ink("soft");
  c.textAlign = "right";
  c.fillText(`${short(low)} … ${short(high)}`, x + w, y - 4);
  c.textBaseline = "top"; c.textAlign = "left";
  c.fillText(s.names.map((n, i) => `${i ? "↑" : "→"} ${n} ${short(s.axes[i][0])} … ${short(s.axes[i][s.axes[i].length - 1])}`).join("   "), x, y + h + 4);
}

/** Two inputs: maps of target, fit and signed error, on scales that target and fit share. */
export function maps(canvas: HTMLCanvasElement, s: Scene, fit: Row | null): void {
  const [c, w, h] = ready(canvas);
  const [low, high] = range(s.target ?? [], s.target ? [] : s.points.map((p) => p[2]));
  const list: [Row, string, number, number, number[][]][] = [];
  if (s.target) list.push([s.target, say("target"), low, high, SCALE]);
  if (fit) list.push([fit, say("fit"), low, high, SCALE]);
  if (fit && s.target) {
    const wrong = fit.map((v, i) => (v === null || s.target![i] === null ? null : v - s.target![i]!));
    const most = Math.max(...wrong.map((v) => Math.abs(v ?? 0)), 1e-300);
    list.push([wrong, say("residual"), -most, most, [hex(ink("orange")), hex(ink("zero")), hex(ink("blue"))]]);
  }
  // on a narrow screen the maps stand below each other, and the canvas is taller (style.css)
  const narrow = w < 560, gap = 14, n = narrow ? 1 : Math.max(list.length, 1);
  const rows = narrow ? Math.max(list.length, 1) : 1;
  const tall = Math.min((w - gap * (n - 1)) / n, h / rows - 42), wide = narrow ? w : (w - gap * (n - 1)) / n;
  list.forEach(([values, title, a, b, stops], i) => {
    const x = narrow ? 0 : i * (wide + gap), y = 20 + (narrow ? i * (tall + 42) : Math.max(0, (h - 42 - tall) / 2));
    map(c, s, values, [x, y, wide, tall], title, a, b, stops);
    if (title === say("fit") || !s.target) {
      c.fillStyle = ink("ink");
      const [ax, ay] = s.axes;
      for (const p of s.points.slice(0, 200)) c.fillRect(x + ((p[0] - ax[0]) / (ax[ax.length - 1] - ax[0])) * wide - 1, y + tall - ((p[1] - ay[0]) / (ay[ay.length - 1] - ay[0])) * tall - 1, 2, 2);
    }
  });
}

/** Losses on a log scale against epochs. */
export function losses(canvas: HTMLCanvasElement, rows: Loss[], kept: Loss[]): void {
  const [c, w, h] = ready(canvas);
  const log = (v: number | null) => (v !== null && v > 0 ? Math.log10(v) : null);
  const all = [...rows, ...kept];
  if (!all.length) return;
  const [a, b] = range(all.map((r) => log(r[1])), all.map((r) => log(r[2])));
  const bottom = Math.floor(a), top = Math.max(Math.ceil(b), bottom + 1), most = Math.max(2, ...all.map((r) => r[0]));
  const f: Frame = { x: 46, y: 10, w: w - 46 - 24, h: h - 36, low: 1, high: most, bottom, top };
  c.strokeStyle = ink("grid"); c.fillStyle = ink("soft"); c.textAlign = "right"; c.textBaseline = "middle";
  const every = Math.ceil((top - bottom) / 8);
  for (let e = bottom; e <= top; e += every) {
    c.beginPath(); c.moveTo(f.x, py(f, e)); c.lineTo(f.x + f.w, py(f, e)); c.stroke();
    c.fillText(`1e${e}`.replace("-", "−"), f.x - 6, py(f, e));
  }
  c.textAlign = "center"; c.textBaseline = "top";
  for (const t of ticks(1, most, Math.max(2, f.w / 90))) if (Number.isInteger(t)) c.fillText(String(t), px(f, t), f.y + f.h + 5);
  const draw = (rs: Loss[], i: 1 | 2, colour: string, dash: number[] = []) => curve(c, f, rs.map((r) => r[0]), rs.map((r) => log(r[i])), colour, 1.8, dash);
  draw(kept, 1, ink("ghost"), [6, 4]);
  draw(rows, 2, ink("blue"));
  draw(rows, 1, ink("orange"));
  c.textAlign = "right"; c.textBaseline = "top";
  c.fillStyle = ink("orange"); c.fillText(say("train"), f.x + f.w - 4, f.y + 2);
  if (rows.some((r) => r[2] !== null)) { c.fillStyle = ink("blue"); c.fillText(say("validation"), f.x + f.w - 4, f.y + 17); }
  if (kept.length) { c.fillStyle = ink("ghost"); c.fillText(say("kept"), f.x + f.w - 4, f.y + 32); }
}

const DRAWN = 12;

/** The network: a circle for each unit (twelve of a layer at most), weights as lines by width and colour. */
export function network(canvas: HTMLCanvasElement, sizes: number[], layers: Layer[] | null, names: string[], output: string): void {
  const [c, w, h] = ready(canvas);
  const shown = sizes.map((n) => Math.min(n, DRAWN));
  const x = (l: number) => 34 + (l * (w - 68)) / (sizes.length - 1);
  const y = (l: number, i: number) => (h - 16) * ((i + 0.5) / shown[l]);
  for (let l = 0; l + 1 < sizes.length; l++) {
    const weights = layers?.[l]?.w;
    let most = 1e-12;
    for (const row of weights ?? []) for (const v of row) most = Math.max(most, Math.abs(v ?? 0));
    for (let j = 0; j < shown[l + 1]; j++) for (let i = 0; i < shown[l]; i++) {
      const v = weights ? (weights[j]?.[i] ?? 0) / most : 0;
      c.strokeStyle = weights ? ink(v >= 0 ? "blue" : "orange") : ink("line");
      c.globalAlpha = weights ? 0.15 + 0.85 * Math.abs(v) : 1;
      c.lineWidth = weights ? 0.4 + 3.2 * Math.abs(v) : 0.7;
      c.beginPath();
      const a = x(l), b = x(l + 1), m = (a + b) / 2;
      c.moveTo(a, y(l, i)); c.bezierCurveTo(m, y(l, i), m, y(l + 1, j), b, y(l + 1, j)); c.stroke();
    }
  }
  c.globalAlpha = 1;
  c.textAlign = "center"; c.textBaseline = "middle";
  sizes.forEach((n, l) => {
    for (let i = 0; i < shown[l]; i++) {
      c.beginPath(); c.arc(x(l), y(l, i), Math.min(8, (h - 16) / shown[l] / 2.6), 0, 7);
      c.fillStyle = ink("card"); c.fill();
      c.strokeStyle = ink("soft"); c.lineWidth = 1.3; c.stroke();
    }
    c.fillStyle = ink("soft");
    const label = l === 0 ? names.join(", ") : l === sizes.length - 1 ? output : n > DRAWN ? `${DRAWN} / ${n}` : String(n);
    c.fillText(label, x(l), h - 6);
  });
}
