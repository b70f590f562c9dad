// What is chosen, and how it stands in the address: one link is one setting, or a race of two.

export interface Table { names: string[]; rows: number[][] }

/** What is trained: a network and a method. */
export interface Lane {
  hidden: number[]; activations: string[]; bias: boolean; init: string; method: string; lr: number; batch: number;
  epochs: number; seed: number;
}

export interface Settings {
  formula: string; domain: Record<string, [number, number]>; points: number; noise: number; design: string;
  table: Table | null; lanes: Lane[];
}

export const START: Settings = {
  formula: "-2/(2 + sin(x))", domain: { x: [-3, 3] }, points: 200, noise: 0, design: "auto", table: null,
  lanes: [{ hidden: [16, 16], activations: ["tanh", "tanh"], bias: true, init: "auto", method: "adam", lr: 0.01, batch: 32, epochs: 1000, seed: 0 }],
};

export const LAYERS = 6, UNITS = 256;
const SHARED = ["points", "noise"] as const, NUMBERS = ["lr", "batch", "epochs", "seed"] as const;

/** A lane from part of the settings of another; `activation` is one for all layers, or one for each. */
export function lane(from: Lane, change: Partial<Lane> & { activation?: string }): Lane {
  const { activation, ...rest } = change;
  const made = { ...structuredClone(from), ...structuredClone(rest) };
  const names = activation ? activation.split(",") : made.activations;
  made.activations = made.hidden.map((_, i) => names[Math.min(i, names.length - 1)]);
  return made;
}

export function written(s: Settings): string {
  const q = new URLSearchParams({ f: s.formula });
  for (const [name, [low, high]] of Object.entries(s.domain)) q.append("on", `${name}=${low}:${high}`);
  for (const key of SHARED) q.set(key, String(s[key]));
  if (s.design !== "auto") q.set("design", s.design);
  s.lanes.forEach((l, i) => {
    const p = i ? "b." : "";
    q.set(`${p}hidden`, l.hidden.join(","));
    q.set(`${p}activation`, new Set(l.activations).size === 1 ? l.activations[0] : l.activations.join(","));
    q.set(`${p}method`, l.method);
    if (!l.bias) q.set(`${p}bias`, "0");
    if (l.init !== "auto") q.set(`${p}init`, l.init);
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

/** The settings of one lane as the server reads them. */
export function sent(s: Settings, which: number): Record<string, unknown> {
  const { table, formula, domain, points, noise, design } = s, { activations, ...rest } = s.lanes[which];
  const network = { ...rest, activation: activations };
  return table ? { ...network, table } : { ...network, points, noise, design, formula, domain };
}
