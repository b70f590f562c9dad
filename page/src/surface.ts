// Surfaces of two inputs, drawn from back to front: target and fit side by side, turned by dragging or with arrow keys.

import { ink, mix, range, ready, SCALE, type Row, type Scene } from "./plots";
import { say } from "./words";

export const view = { turn: 0.7, tilt: 0.55 };

export function surfaces(canvas: HTMLCanvasElement, s: Scene, fit: Row | null): void {
  const [c, w, h] = ready(canvas);
  const [low, high] = range(s.target ?? fit ?? s.points.map((p) => p[2]));
  const list = ([[s.target, say("target")], [fit, say("fit")]] as [Row | null, string][]).filter(([v]) => v);
  list.forEach(([values, title], k) => {
    const wide = w / list.length, x0 = k * wide + wide / 2, y0 = h / 2 + 10, size = Math.min(wide, h) * 0.36;
    const nx = s.axes[0].length, ny = s.axes[1].length, every = 2, cos = Math.cos(view.turn), sin = Math.sin(view.turn);
    const point = (i: number, j: number): [number, number, number] => {
      const u = (2 * i) / (nx - 1) - 1, v = (2 * j) / (ny - 1) - 1, z = Math.max(-0.2, Math.min(1.2, ((values![j * nx + i] ?? low) - low) / (high - low || 1))) - 0.5;
      const a = u * cos - v * sin, depth = u * sin + v * cos;
      return [x0 + size * a, y0 - size * (z * 0.9 * Math.cos(view.tilt) + depth * Math.sin(view.tilt)), depth];
    };
    const quads: { at: number; corners: [number, number, number][]; t: number }[] = [];
    for (let j = 0; j + every < ny; j += every) for (let i = 0; i + every < nx; i += every) {
      const corners = [point(i, j), point(i + every, j), point(i + every, j + every), point(i, j + every)];
      quads.push({ at: corners[0][2] + corners[2][2], corners, t: ((values![j * nx + i] ?? low) - low) / (high - low || 1) });
    }
    quads.sort((a, b) => b.at - a.at);
    c.lineWidth = 0.5;
    for (const q of quads) {
      c.fillStyle = `rgb(${mix(SCALE, q.t).map(Math.round).join(",")})`;
      c.strokeStyle = "rgba(0,0,0,0.25)";
      c.beginPath();
      q.corners.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
      c.closePath(); c.fill(); c.stroke();
    }
    c.fillStyle = ink("ink"); c.textAlign = "left"; c.textBaseline = "top";
    c.fillText(title, k * wide + 6, 4);
  });
}
