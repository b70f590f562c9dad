// The network in the middle: weights as lines, units as small pictures of what they do, badges of those that are lost;
// and how weights and gradients of each layer are distributed.

import { curve, cut, image, ink, range, ready, short, SCALE, type Frame, type Row } from "./plots";
import { say } from "./words";

export interface Layer { n_in: number; n_out: number; w: Row[]; b: Row }
export interface Units { values: Row[]; states: string[]; dead: number; saturated: number; of: number }
export interface Histogram { most: number | null; rms: number | null; counts: number[] }
export interface Histograms { weights: Histogram; gradients: Histogram | null }
export interface Place { layer: number; unit: number; x: number; y: number; size: number }

export const DRAWN = 12;

/** Draws it, and says where each unit stands. inputs: how many there are, for the thumbnails. */
export function network(
  canvas: HTMLCanvasElement, sizes: number[], layers: Layer[] | null, units: Units[], names: string[], output: string, inputs: number,
  chosen: { layer: number; unit: number } | null,
): Place[] {
  const [c, w, h] = ready(canvas), foot = 20, places: Place[] = [];
  const shown = sizes.map((n) => Math.min(n, DRAWN));
  const x = (l: number) => 34 + (l * (w - 68)) / (sizes.length - 1);
  const y = (l: number, i: number) => (h - foot) * ((i + 0.5) / shown[l]);
  for (let l = 0; l + 1 < sizes.length; l++) {
    const weights = layers?.[l]?.w;
    let most = 1e-12;
    for (const row of weights ?? []) for (const v of row) most = Math.max(most, Math.abs(v ?? 0));
    for (let j = 0; j < shown[l + 1]; j++) for (let i = 0; i < shown[l]; i++) {
      const v = weights ? (weights[j]?.[i] ?? 0) / most : 0;
      c.strokeStyle = weights ? ink(v >= 0 ? "blue" : "orange") : ink("line");
      c.globalAlpha = weights ? 0.12 + 0.88 * Math.abs(v) : 1;
      c.lineWidth = weights ? 0.4 + 3.2 * Math.abs(v) : 0.7;
      c.beginPath();
      const a = x(l), b = x(l + 1), m = (a + b) / 2;
      c.moveTo(a, y(l, i)); c.bezierCurveTo(m, y(l, i), m, y(l + 1, j), b, y(l + 1, j)); c.stroke();
    }
  }
  c.globalAlpha = 1;
  c.textAlign = "center"; c.textBaseline = "middle";
  sizes.forEach((n, l) => {
    const hidden = l > 0 && l < sizes.length - 1, found = hidden ? units[l - 1] : undefined;
    const tall = (h - foot) / shown[l] - 3, size = Math.max(8, Math.min(34, tall, ((w - 68) / (sizes.length - 1)) * 0.55));
    for (let i = 0; i < shown[l]; i++) {
      const cx = x(l), cy = y(l, i), state = found?.states[i] ?? "", on = chosen?.layer === l && chosen.unit === i;
      if (hidden) places.push({ layer: l, unit: i, x: cx, y: cy, size });
      if (hidden && found?.values[i] && size >= 11) {
        const box: [number, number, number, number] = [cx - size / 2, cy - size / 2, size, size];
        c.fillStyle = ink("card"); c.fillRect(...box);
        if (inputs === 1) {
          const f = frameOf(found.values[i], box);
          curve(c, f, found.values[i].map((_, k) => k), found.values[i], ink(state ? "red" : "ink"), 1.2);
        } else {
          const side = Math.round(Math.sqrt(found.values[i].length)), [low, high] = range(found.values[i]);
          image(c, found.values[i], side, side, box, low, high, SCALE);
        }
        c.strokeStyle = ink(state ? "red" : on ? "blue" : "soft"); c.lineWidth = on ? 3 : state ? 2 : 1;
        c.strokeRect(...box);
      } else {
        c.beginPath(); c.arc(cx, cy, Math.min(8, size / 2), 0, 7);
        c.fillStyle = ink(state ? "red" : "card"); c.fill();
        c.strokeStyle = ink(state ? "red" : on ? "blue" : "soft"); c.lineWidth = on ? 3 : 1.3; c.stroke();
      }
    }
    const lost = found ? [["dead", found.dead], ["saturated", found.saturated]].filter(([, k]) => k).map(([word, k]) => `${k} ${say(word as string)}`).join(", ") : "";
    c.fillStyle = ink(lost ? "red" : "soft");
    const room = Math.min((w - 68) / (sizes.length - 1) - 4, 2 * 34 + 60), end = l === 0 || l === sizes.length - 1;
    const label = l === 0 ? names.join(", ") : end ? output : n > DRAWN && room > 48 ? `${DRAWN} / ${n}` : String(n);
    const words = lost && c.measureText(lost).width <= room ? lost : label;
    c.fillText(end ? cut(c, words, 66) : words, x(l), h - 7);
  });
  return places;
}

function frameOf(values: Row, [x, y, w, h]: [number, number, number, number]): Frame {
  const [bottom, top] = range(values);
  return { x, y, w, h, low: 0, high: values.length - 1, bottom, top };
}

/** For each layer two histograms: its weights, and the gradient of the squared error on them. */
export function histograms(canvas: HTMLCanvasElement, layers: Histograms[]): void {
  const [c, w, h] = ready(canvas);
  if (!layers.length) return;
  const each = w / layers.length, gap = 14;
  layers.forEach((layer, l) => {
    const x = l * each + gap / 2, wide = (each - gap - 10) / 2;
    c.fillStyle = ink("soft"); c.textAlign = "left"; c.textBaseline = "top";
    c.fillText(`${say("layer")} ${l + 1}`, x, 0);
    bars(c, layer.weights, [x, 20, wide, h - 40], "blue");
    if (layer.gradients) bars(c, layer.gradients, [x + wide + 10, 20, wide, h - 40], "orange");
  });
}

function bars(c: CanvasRenderingContext2D, found: Histogram, [x, y, w, h]: [number, number, number, number], colour: string): void {
  const most = Math.max(1, ...found.counts), n = found.counts.length;
  c.fillStyle = ink("grid"); c.fillRect(x, y + h, w, 1);
  c.fillStyle = ink(colour);
  found.counts.forEach((k, i) => { const tall = (k / most) * h; c.fillRect(x + (i * w) / n, y + h - tall, Math.max(1, w / n - 1), tall); });
  c.fillStyle = ink("soft"); c.textBaseline = "top"; c.textAlign = "center";
  const text = w > 56 ? `± ${short(found.most, 2)}` : short(found.most, 2);
  if (c.measureText(text).width < w + 10) c.fillText(text, x + w / 2, y + h + 4); // many layers on a telephone: no room
}
