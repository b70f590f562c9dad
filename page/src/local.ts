// The page without a server: the questions that a server would answer, answered by the trainer in this browser.

import { Fault, mathml, names, parse, value, type Tree } from "./formula";
import { Refused } from "./refused";
import { ACTIVATIONS, Descent, loss, lossAndGradient, Network, normal, random, Solver, type Rows } from "./trainer";

export const METHODS = ["adam", "sgd", "varpro", "lm"];
const SLICE = 12, RATE = 20; // milliseconds of work between two breaths; frames a second
const DRAWN = 12, BINS = 24, POINTS: Record<number, number> = { 1: 301, 2: 45 }, EVERY: Record<number, number> = { 1: 5, 2: 3 };

interface Wish {
  formula?: string; table?: { names: string[]; rows: number[][] }; domain: Record<string, [number, number]>; points: number; noise: number;
  hidden: number[]; activation: string[]; bias: boolean; init: string; method: string; lr: number; batch: number; epochs: number; seed: number;
  paused?: boolean; delay?: number;
}

interface Problem { tree: Tree | null; names: string[]; box: [number, number][]; output: string }

function problemOf(wish: Wish): Problem {
  if (wish.table) {
    const inputs = wish.table.names.length - 1;
    const box = Array.from({ length: inputs }, (_, i): [number, number] => {
      const column = wish.table!.rows.map((r) => r[i]);
      return [Math.min(...column), Math.max(...column)];
    });
    return { tree: null, names: wish.table.names.slice(0, -1), box, output: wish.table.names[inputs] };
  }
  let tree: Tree;
  try { tree = parse(wish.formula ?? ""); } catch (error) { throw error instanceof Fault ? new Refused(error.message) : error; }
  const found = names(tree);
  if (found.length < 1 || found.length > 2) throw new Refused("one or two variables can be drawn here; write sin(x)");
  const box = found.map((n) => wish.domain?.[n] ?? [-3, 3]);
  if (box.some(([a, b]) => !(a < b))) throw new Refused("the domain must go from a smaller to a larger number");
  return { tree, names: found, box, output: "y" };
}

function checked(wish: Wish): void {
  const whole = (v: number, low: number, high: number, name: string) => {
    if (!(Number.isInteger(v) && v >= low && v <= high)) throw new Refused(`${name} must be a whole number from ${low} to ${high}`);
  };
  if (!METHODS.includes(wish.method)) throw new Refused(`this page trains with ${METHODS.join(", ")}; surefit itself has ${wish.method} too`);
  for (const kind of wish.activation) if (!(kind in ACTIVATIONS)) throw new Refused(`this page has ${Object.keys(ACTIVATIONS).join(", ")}; surefit itself has ${kind} too`);
  if (!wish.table) whole(wish.points, 4, 2000, "points");
  whole(wish.epochs, 1, 20000, "epochs");
  whole(wish.batch, 1, 5000, "batch");
  if (!(wish.lr > 0 && wish.lr <= 100)) throw new Refused("the learning rate must be a number above 0");
  if (wish.method === "varpro" && !wish.bias) throw new Refused("varpro solves for a last layer with a bias; switch it on, or choose lm");
  const size = parametersOf(wish, 2);
  if (["varpro", "lm"].includes(wish.method) && size > 400) throw new Refused(`the network has about ${size} parameters; with ${wish.method} at most 400 are trained in a browser`);
}

function parametersOf(wish: Wish, inputs: number): number {
  const sizes = [inputs, ...wish.hidden, 1];
  return sizes.slice(1).reduce((sum, n, i) => sum + n * (sizes[i] + (wish.bias ? 1 : 0)), 0);
}

const linspace = (a: number, b: number, n: number, every = 1) => Array.from({ length: Math.ceil(n / every) }, (_, i) => a + ((b - a) * i * every) / (n - 1));

function gridOf(p: Problem, every = 1): { axes: number[][]; points: number[][] } {
  const axes = p.box.map(([a, b]) => linspace(a, b, POINTS[p.box.length], every));
  const points = axes.length === 1 ? axes[0].map((x) => [x]) : axes[1].flatMap((y) => axes[0].map((x) => [x, y]));
  return { axes, points };
}

const valueAt = (p: Problem, x: number[]): number => value(p.tree!, Object.fromEntries(p.names.map((n, i) => [n, x[i]])));
const finite = (v: number): number | null => (Number.isFinite(v) ? v : null);

function histogram(values: Float64Array): unknown {
  const most = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0), counts = new Array(BINS).fill(0);
  if (most > 0) for (const v of values) counts[Math.min(BINS - 1, Math.floor(((v + most) / (2 * most)) * BINS))]++;
  return { most, rms: Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length), counts };
}

class Session {
  wish: Wish;
  problem: Problem;
  paused: boolean;
  steps = 0;
  delay: number;
  stopped = false;

  constructor(wish: Wish) {
    this.wish = wish;
    this.problem = problemOf(wish);
    this.paused = wish.paused === true;
    this.delay = wish.delay ?? 0;
  }

  async *run(signal?: AbortSignal): AsyncGenerator<[string, any]> {
    const { wish, problem } = this, d = problem.names.length, draw = random(wish.seed + 1);
    const [train, held] = this.rows(draw);
    const scale = problem.box.map(([a, b]) => [(a + b) / 2, (b - a) / 2 || 1]);
    const mean = train.y.reduce((a, b) => a + b, 0) / train.y.length;
    const spread = Math.sqrt(train.y.reduce((s, v) => s + (v - mean) ** 2, 0) / train.y.length) || 1;
    const inner = (x: ArrayLike<number>) => Float64Array.from(scale, ([m, s], i) => (x[i] - m) / s);
    const scaled = (r: Rows): Rows => ({ x: r.x.map(inner), y: r.y.map((v) => (v - mean) / spread) });
    const own = scaled(train), validation = scaled(held);
    const net = new Network([d, ...wish.hidden, 1], wish.activation, wish.bias);
    net.initialise(draw, wish.init);
    const descent = ["adam", "sgd"].includes(wish.method);
    const work = descent ? new Descent(net, own, wish.method, wish.lr, wish.batch, wish.epochs, draw) : new Solver(net, own, wish.method === "varpro");
    const epochs = descent ? wish.epochs : Math.min(wish.epochs, 200);
    const { axes, points } = gridOf(problem), coarse = gridOf(problem, EVERY[d]).points.map(inner), fine = points.map(inner);
    const target = problem.tree ? points.map((x) => finite(valueAt(problem, x))) : null;
    const shown = train.y.map((y, i) => [...Array.from(train.x[i]), y]).slice(0, 400).flat();
    yield ["session", { id: "local" }];
    const began = performance.now();
    let waited = 0, losses: unknown[] = [], best = Infinity, bestTheta = net.theta.slice(), epoch = 0, drawn = 0, first = true;
    const frame = () => {
      const f: any = { ...this.picture(net, own, coarse, inner), fit: fine.map((x) => finite(net.at(x) * spread + mean)), y_scale: spread, losses, epoch, epochs, paused: this.paused };
      if (first) Object.assign(f, { axes, names: problem.names, output: problem.output, target, points: pairs(shown, d + 1) });
      losses = [];
      first = false;
      drawn = performance.now();
      return f;
    };
    yield ["frame", frame()];
    let breath = performance.now();
    while (epoch < epochs && !this.stopped && !signal?.aborted) {
      const pause = performance.now();
      while (this.paused && this.steps === 0 && !this.stopped && !signal?.aborted) await new Promise((go) => setTimeout(go, 20));
      if (this.steps > 0) this.steps--;
      if (this.delay > 0) await new Promise((go) => setTimeout(go, this.delay * 1000));
      waited += performance.now() - pause;
      if (this.stopped || signal?.aborted) break;
      const now = work.epoch(), check = validation.y.length ? loss(net, validation) : null;
      epoch++;
      losses.push([epoch, finite(now), check === null ? null : finite(check), +((performance.now() - began - waited) / 1000).toPrecision(4)]);
      if ((check ?? now) < best) { best = check ?? now; bestTheta = net.theta.slice(); }
      if (performance.now() - drawn > 1000 / RATE || this.paused) yield ["frame", frame()];
      if (work instanceof Solver && work.done) break;
      if (performance.now() - breath > SLICE) { await new Promise((go) => setTimeout(go, 0)); breath = performance.now(); }
    }
    if (signal?.aborted) return;
    net.theta.set(bestTheta);
    const last = frame();
    yield ["frame", last];
    yield ["done", this.summary(net, points, last.fit, target, (performance.now() - began - waited) / 1000, held)];
  }

  rows(draw: () => number): [Rows, Rows] {
    const { wish, problem } = this, train: Rows = { x: [], y: [] }, held: Rows = { x: [], y: [] };
    if (wish.table) {
      wish.table.rows.forEach((r) => { const part = draw() < 0.85 ? train : held; part.x.push(r.slice(0, -1)); part.y.push(r[r.length - 1]); });
      return [train, held];
    }
    const side = Math.round(Math.sqrt(wish.points)), n = problem.box.length === 1 ? wish.points : side * side;
    for (let i = 0; i < n + Math.max(20, Math.round(n / 8)); i++) {
      const fresh = i >= n, part = fresh ? held : train;
      const x = problem.box.map(([a, b], k) => {
        const t = fresh ? draw() : problem.box.length === 1 ? i / (n - 1) : (k ? Math.floor(i / side) : i % side) / (side - 1);
        return a + (b - a) * t;
      });
      const y = valueAt(problem, x) + (wish.noise > 0 ? wish.noise * normal(draw) : 0);
      if (Number.isFinite(y)) { part.x.push(x); part.y.push(y); }
    }
    if (train.y.length < 4) throw new Refused("the formula has no finite values in the domain");
    return [train, held];
  }

  picture(net: Network, rows: Rows, coarse: Float64Array[], inner: (x: ArrayLike<number>) => Float64Array): any {
    const copied = (x: ArrayLike<number>) => net.trace(x).map((layer) => Array.from(layer));
    const traces = coarse.map(copied), some = rows.x.filter((_, i) => i % Math.ceil(rows.x.length / 200) === 0).map(copied);
    const units = net.sizes.slice(1, -1).map((of, l) => {
      const states = Array.from({ length: of }, (_, j) => {
        const column = some.map((t) => t[l + 1][j]), kind = net.kinds[l];
        if (kind === "relu") return column.some((v) => v > 0) ? "" : "dead";
        const flat = kind === "tanh" ? (v: number) => 1 - v * v : kind === "sigmoid" ? (v: number) => 4 * v * (1 - v) : () => 1;
        return column.filter((v) => flat(v) < 0.02).length >= 0.9 * column.length ? "saturated" : "";
      });
      const count = (s: string) => states.filter((t) => t === s).length;
      return { values: Array.from({ length: Math.min(of, DRAWN) }, (_, j) => traces.map((t) => t[l + 1][j])), states: states.slice(0, DRAWN), dead: count("dead"), saturated: count("saturated"), of };
    });
    const gradient = new Float64Array(net.theta.length);
    lossAndGradient(net, rows, rows.y.map((_, i) => i).filter((i) => i % Math.ceil(rows.y.length / 200) === 0), gradient);
    const layers = [], histograms = [];
    for (let l = 0; l < net.depth; l++) {
      const n = net.sizes[l], m = net.sizes[l + 1], at = net.starts[l];
      layers.push({ n_in: n, n_out: m, w: Array.from({ length: Math.min(m, DRAWN) }, (_, j) => Array.from(net.theta.slice(at + j * n, at + j * n + Math.min(n, DRAWN)))), b: [] });
      histograms.push({ weights: histogram(net.theta.slice(at, at + n * m)), gradients: histogram(gradient.slice(at, at + n * m)) });
    }
    const kinks: number[] = [];
    if (net.sizes[0] === 1 && net.kinds[0] === "relu") {
      const [a, b] = this.problem.box[0], zero = inner([0])[0], slope = inner([1])[0] - zero, m = net.sizes[1];
      for (let j = 0; j < m; j++) {
        const x = (-(net.bias ? net.theta[net.starts[0] + m + j] : 0) / net.theta[net.starts[0] + j] - zero) / slope;
        if (x >= a && x <= b) kinks.push(x);
      }
    }
    return { units, layers, histograms, kinks };
  }

  summary(net: Network, points: number[][], fit: (number | null)[], target: (number | null)[] | null, seconds: number, held: Rows): any {
    let max = 0, at = points[0], sum = 0, count = 0;
    if (target) points.forEach((x, i) => {
      if (fit[i] === null || target[i] === null) return;
      const e = Math.abs(fit[i]! - target[i]!);
      sum += e * e; count++;
      if (e > max) { max = e; at = x; }
    });
    else held.y.forEach((y, i) => { // the nearest point of the grid is as good as the page can see
      const k = points.reduce((b, p, j) => (Math.hypot(...p.map((v, a) => v - held.x[i][a])) < Math.hypot(...points[b].map((v, a) => v - held.x[i][a])) ? j : b), 0);
      if (fit[k] !== null) { const e = Math.abs(fit[k]! - y); sum += e * e; count++; max = Math.max(max, e); }
    });
    return { max, rmse: Math.sqrt(sum / Math.max(1, count)), measured: target !== null, at: Object.fromEntries(this.problem.names.map((n, i) => [n, at[i]])), seconds, parameters: net.theta.length, card: { en: [], zh: [] }, provable: false, findings: [] };
  }
}

const pairs = (flat: number[], width: number): number[][] => Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));

export class Local {
  sessions = new Map<string, Session>();
  count = 0;

  async ask(path: string, body: any): Promise<any> {
    if (path === "control") {
      const session = this.sessions.get(body.session);
      if (!session) return { ok: false };
      if (body.action === "pause") session.paused = true;
      else if (body.action === "resume") session.paused = false;
      else if (body.action === "step") { session.paused = true; session.steps += 1; }
      else if (body.action === "speed") session.delay = body.delay ?? 0;
      return { ok: true };
    }
    if (path !== "check") throw new Refused("this needs surefit itself: pip install \"surefit[play]\", then surefit play");
    const wish = body as Wish, problem = problemOf(wish);
    checked(wish);
    const found: any = { names: problem.names, parameters: parametersOf(wish, problem.names.length) };
    if (problem.tree) {
      const { axes, points } = gridOf(problem);
      Object.assign(found, { mathml: mathml(problem.tree), axes, target: points.map((x) => finite(valueAt(problem, x))) });
    }
    return found;
  }

  async *train(body: any, signal?: AbortSignal): AsyncGenerator<[string, any]> {
    checked(body);
    const session = new Session(body), id = `local-${++this.count}`;
    this.sessions.set(id, session);
    try {
      for await (const [kind, data] of session.run(signal)) yield [kind, kind === "session" ? { id } : data];
    } finally {
      session.stopped = true;
      this.sessions.delete(id);
    }
  }
}
