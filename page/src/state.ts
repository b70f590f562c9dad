// What is chosen, and how it stands in the address: one link is one setting, a race of two, a drawn curve, a lesson.

/** Rows of two or three numbers, the value last. file: what they were read from; without one they were drawn. */
export interface Table { names: string[]; rows: number[][]; file?: string }

/** A file with all of its columns, of which some are chosen. total: rows of the file. */
export interface Sheet { names: string[]; rows: number[][]; file: string; total: number; decimal?: string }

/** What is trained: a network and a method. */
export interface Lane {
  hidden: number[]; activations: string[]; bias: boolean; init: string; method: string; lr: number; batch: number;
  epochs: number; seed: number;
}

export interface Settings {
  formula: string; domain: Record<string, [number, number]>; points: number; noise: number; design: string;
  table: Table | null; sheet: Sheet | null; picked: number[]; lanes: Lane[]; lesson: number;
}

export const START: Settings = {
  formula: "-2/(2 + sin(x))", domain: { x: [-3, 3] }, points: 200, noise: 0, design: "auto",
  table: null, sheet: null, picked: [], lesson: -1,
  lanes: [{ hidden: [16, 16], activations: ["tanh", "tanh"], bias: true, init: "auto", method: "adam", lr: 0.01, batch: 32, epochs: 1000, seed: 0 }],
};

export const LAYERS = 8, UNITS = 256, LESSONS = 8;
const SHARED = ["points", "noise"] as const, NUMBERS = ["lr", "batch", "epochs", "seed"] as const;
const DRAWN = 121, STEPS = 1000; // points of a drawn curve; its values in the address are whole numbers of thousandths

/** A lane from part of the settings of another; `activation` is one for all layers, or one for each. */
export function lane(from: Lane, change: Partial<Lane> & { activation?: string }): Lane {
  const { activation, ...rest } = change;
  const made = { ...structuredClone(from), ...structuredClone(rest) };
  const names = activation ? activation.split(",") : made.activations;
  made.activations = made.hidden.map((_, i) => names[Math.min(i, names.length - 1)]);
  return made;
}

/** The same with lanes and domain of its own; tables, which never change, are shared. */
export const copied = (s: Settings): Settings => ({ ...s, domain: structuredClone(s.domain), lanes: structuredClone(s.lanes) });

/** A stroke from left to right, within -1 and 1, as a table of points evenly along x. */
export function drawn(stroke: [number, number][]): Table {
  const low = stroke[0][0], high = stroke[stroke.length - 1][0];
  let k = 0;
  const values = Array.from({ length: DRAWN }, (_, i) => {
    const x = low + ((high - low) * i) / (DRAWN - 1);
    while (k + 2 < stroke.length && stroke[k + 1][0] < x) k++;
    const [[a, ya], [b, yb]] = [stroke[k], stroke[k + 1]];
    return Math.round(STEPS * (ya + (yb - ya) * Math.min(1, Math.max(0, (x - a) / (b - a)))));
  });
  return curveOf(Math.round(STEPS * low), Math.round(STEPS * high), values);
}

function curveOf(low: number, high: number, values: number[]): Table {
  const x = (i: number) => (low + ((high - low) * i) / (values.length - 1)) / STEPS;
  return { names: ["x", "y"], rows: values.map((v, i) => [+x(i).toFixed(6), v / STEPS]) };
}

export function written(s: Settings): string {
  const q = new URLSearchParams({ f: s.formula });
  for (const [name, [low, high]] of Object.entries(s.domain)) q.append("on", `${name}=${low}:${high}`);
  for (const key of SHARED) q.set(key, String(s[key]));
  if (s.design !== "auto") q.set("design", s.design);
  if (s.table && !s.table.file) {
    const rows = s.table.rows, end = (r: number[]) => Math.round(STEPS * r[0]);
    q.set("drawn", `${end(rows[0])}:${end(rows[rows.length - 1])}:${rows.map((r) => Math.round(STEPS * r[1])).join(",")}`);
  }
  if (s.lesson >= 0) q.set("lesson", String(s.lesson + 1));
  s.lanes.forEach((l, i) => {
    const p = i ? "b." : "";
    q.set(`${p}hidden`, l.hidden.join(","));
    q.set(`${p}activation`, new Set(l.activations).size === 1 ? l.activations[0] : l.activations.join(","));
    q.set(`${p}method`, l.method);
    if (!l.bias || i) q.set(`${p}bias`, l.bias ? "1" : "0");
    if (l.init !== "auto" || i) q.set(`${p}init`, l.init);
    for (const key of NUMBERS) q.set(p + key, String(l[key]));
  });
  return q.toString();
}

/** Settings from the part of an address after #; what cannot be read is left as it is at the start. */
export function read(text: string): Settings {
  const q = new URLSearchParams(text), s = structuredClone(START);
  const formula = q.get("f");
  if (formula) { s.formula = formula; s.domain = {}; }
  for (const on of q.getAll("on")) {
    const found = /^([^=]+)=([^:]+):(.+)$/.exec(on);
    if (found && Number.isFinite(+found[2]) && Number.isFinite(+found[3])) s.domain[found[1]] = [+found[2], +found[3]];
  }
  const number = (key: string) => (q.has(key) && q.get(key) !== "" && Number.isFinite(Number(q.get(key))) ? Number(q.get(key)) : null);
  for (const key of SHARED) s[key] = number(key) ?? s[key];
  s.design = q.get("design") ?? s.design;
  const [low, high, values] = (q.get("drawn") ?? "").split(":"), ys = (values ?? "").split(",").map(Number);
  if (ys.length >= 8 && ys.length <= 1000 && [+low, +high, ...ys].every(Number.isFinite) && +low < +high) s.table = curveOf(+low, +high, ys);
  const lesson = number("lesson");
  if (lesson !== null && Number.isInteger(lesson) && lesson >= 1 && lesson <= LESSONS) s.lesson = lesson - 1;
  const laneOf = (p: string, from: Lane): Lane => {
    const l = structuredClone(from);
    const hidden = (q.get(`${p}hidden`) ?? "").split(",").map(Number);
    if (hidden.length <= LAYERS && hidden.every((n) => Number.isInteger(n) && n >= 1 && n <= UNITS)) l.hidden = hidden;
    l.method = q.get(`${p}method`) ?? l.method;
    l.bias = q.has(`${p}bias`) ? q.get(`${p}bias`) !== "0" : l.bias;
    l.init = q.get(`${p}init`) ?? l.init;
    for (const key of NUMBERS) l[key] = number(p + key) ?? l[key];
    return lane(l, { activation: q.get(`${p}activation`) ?? undefined });
  };
  s.lanes = [laneOf("", s.lanes[0])];
  if ([...q.keys()].some((key) => key.startsWith("b."))) s.lanes.push(laneOf("b.", s.lanes[0]));
  return s;
}

/** How the page looks and is shown, as far as the address says. */
export type Looks = Partial<Record<"lang" | "theme" | "size" | "speed", string>>;
const LOOKS: Record<keyof Looks, string[]> = {
  lang: ["en", "zh"], theme: ["light", "dark"], size: ["usual", "large"], speed: ["0", "0.03333333333333333", "0.1", "0.5"],
};

export function looksOf(text: string): Looks {
  const q = new URLSearchParams(text);
  return Object.fromEntries(Object.entries(LOOKS).flatMap(([key, values]) => (values.includes(q.get(key) ?? "") ? [[key, q.get(key)!]] : [])));
}

/** The settings of one lane as the server reads them. */
export function sent(s: Settings, which: number): Record<string, unknown> {
  const { table, sheet, formula, domain, points, noise, design } = s, { activations, ...rest } = s.lanes[which];
  const network = { ...rest, activation: activations };
  if (table) return { ...network, table: { ...table, ...(table.file && sheet?.decimal ? { decimal: sheet.decimal } : {}) } };
  return { ...network, points, noise, design, formula, domain };
}
