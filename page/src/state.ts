// What is chosen, and how it stands in the address: one link is one setting.

export interface Table { names: string[]; rows: number[][] }

export interface Settings {
  formula: string; domain: Record<string, [number, number]>; points: number; noise: number; hidden: number[];
  activation: string; method: string; lr: number; batch: number; epochs: number; seed: number; table: Table | null;
}

export const START: Settings = {
  formula: "-2/(2 + sin(x))", domain: { x: [-3, 3] }, points: 200, noise: 0, hidden: [16, 16], activation: "tanh",
  method: "adam", lr: 0.01, batch: 32, epochs: 1000, seed: 0, table: null,
};

const NUMBERS = ["points", "noise", "lr", "batch", "epochs", "seed"] as const;

export function written(s: Settings): string {
  const q = new URLSearchParams({ f: s.formula });
  for (const [name, [low, high]] of Object.entries(s.domain)) q.append("on", `${name}=${low}:${high}`);
  q.set("hidden", s.hidden.join(","));
  q.set("activation", s.activation);
  q.set("method", s.method);
  for (const key of NUMBERS) q.set(key, String(s[key]));
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
  const hidden = (q.get("hidden") ?? "").split(",").map(Number);
  if (hidden.length <= 6 && hidden.every((n) => Number.isInteger(n) && n >= 1 && n <= 256)) s.hidden = hidden;
  s.activation = q.get("activation") ?? s.activation;
  s.method = q.get("method") ?? s.method;
  for (const key of NUMBERS) if (q.has(key) && Number.isFinite(Number(q.get(key)))) s[key] = Number(q.get(key));
  return s;
}

/** The settings as the server reads them. */
export function sent(s: Settings): Record<string, unknown> {
  const { table, formula, domain, ...rest } = s;
  return table ? { ...rest, table } : { ...rest, formula, domain };
}
