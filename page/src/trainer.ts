// Training in the browser: perceptrons, their gradient, Adam and SGD, Levenberg-Marquardt and variable projection. In
// float64; a test compares losses, gradients and weights with those of surefit. Nothing is imported, so Node runs it.

export const ACTIVATIONS: Record<string, { f: (x: number) => number; d: (x: number, y: number) => number }> = {
  tanh: { f: Math.tanh, d: (_, y) => 1 - y * y },
  relu: { f: (x) => (x > 0 ? x : 0), d: (x) => (x > 0 ? 1 : 0) },
  sigmoid: { f: sigmoid, d: (_, y) => y * (1 - y) },
  silu: { f: (x) => x * sigmoid(x), d: (x) => { const s = sigmoid(x); return s * (1 + x * (1 - s)); } },
  softplus: { f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), d: (x) => sigmoid(x) },
  sin: { f: Math.sin, d: (x) => Math.cos(x) },
};

function sigmoid(x: number): number {
  const t = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + t) : t / (1 + t);
}

/** A generator of numbers in [0, 1), the same for a seed everywhere (mulberry32). */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

/** A perceptron of one output. Its numbers are one array: of each layer the weights (out, in), then the biases. */
export class Network {
  sizes: number[];
  kinds: string[];
  bias: boolean;
  theta: Float64Array;
  starts: number[] = [];
  before: Float64Array[]; // of each layer: sums, outputs, and the gradient by the sums, of the point at hand
  outputs: Float64Array[];
  pulled: Float64Array[];
  after: ArrayLike<number>[] = [];

  constructor(sizes: number[], kinds: string[], bias = true) {
    this.sizes = sizes;
    this.kinds = kinds;
    this.bias = bias;
    let at = 0;
    for (let l = 0; l + 1 < sizes.length; l++) { this.starts.push(at); at += sizes[l + 1] * (sizes[l] + (bias ? 1 : 0)); }
    this.theta = new Float64Array(at);
    [this.before, this.outputs, this.pulled] = [0, 1, 2].map(() => sizes.slice(1).map((n) => new Float64Array(n)));
  }

  get depth(): number { return this.sizes.length - 1; }

  /** Weights that suit the activations; units of the first layer spread over [-1, 1]. As `MLPSpec` has it. */
  initialise(draw: () => number, init = "auto"): void {
    for (let l = 0; l < this.depth; l++) {
      const n = this.sizes[l], m = this.sizes[l + 1], at = this.starts[l], kind = this.kinds[l] ?? "";
      const he = ["relu", "silu", "softplus"].includes(kind);
      const limit = Math.sqrt(6 / (n + m));
      const uniform = (a: number) => (2 * draw() - 1) * a;
      for (let i = 0; i < n * m; i++) {
        let w = he ? normal(draw) * Math.sqrt(2 / n) : uniform(limit);
        if (kind === "sin") w = uniform(l ? Math.sqrt(6 / n) : 1 / n);
        if (init === "zeros") w = 0;
        else if (init === "small") w = 0.01 * normal(draw);
        else if (init === "normal") w = normal(draw);
        else if (init === "he") w = normal(draw) * Math.sqrt(2 / n);
        else if (init === "glorot") w = uniform(limit);
        this.theta[at + i] = w;
      }
      if (l > 0 || init !== "auto" || !this.bias || kind === "sin") continue;
      const gain = { tanh: 4, sigmoid: 8 }[kind];
      for (let j = 0; j < m; j++) {
        let length = Math.hypot(...this.theta.subarray(at + j * n, at + (j + 1) * n));
        if (gain) {
          for (let i = 0; i < n; i++) this.theta[at + j * n + i] *= gain / length;
          length = gain;
        }
        this.theta[at + n * m + j] = uniform(1) * length;
      }
    }
  }

  /** Outputs of every layer, the input first, for one point; overwritten by the next call. */
  trace(x: ArrayLike<number>): ArrayLike<number>[] {
    const { theta, sizes, bias, depth } = this;
    this.after[0] = x;
    for (let l = 0; l < depth; l++) {
      const n = sizes[l], m = sizes[l + 1], at = this.starts[l], u = this.after[l], z = this.before[l];
      const f = l + 1 < depth ? ACTIVATIONS[this.kinds[l]].f : null, out = this.outputs[l];
      for (let j = 0; j < m; j++) {
        const row = at + j * n;
        let sum = bias ? theta[at + n * m + j] : 0;
        for (let i = 0; i < n; i++) sum += theta[row + i] * u[i];
        z[j] = sum;
        out[j] = f ? f(sum) : sum;
      }
      this.after[l + 1] = out;
    }
    return this.after;
  }

  at(x: ArrayLike<number>): number { return this.trace(x)[this.depth][0]; }

  /** Add `push` times the gradient of the output by all numbers to `into`; the output. push: of the output. */
  pull(x: ArrayLike<number>, push: (y: number) => number, into: Float64Array): number {
    const { theta, sizes, bias } = this, after = this.trace(x), y = after[this.depth][0];
    this.pulled[this.depth - 1][0] = push(y);
    for (let l = this.depth - 1; l >= 0; l--) {
      const n = sizes[l], m = sizes[l + 1], at = this.starts[l], u = after[l], g = this.pulled[l];
      const next = l > 0 ? this.pulled[l - 1] : null;
      if (next) next.fill(0);
      for (let j = 0; j < m; j++) {
        const gj = g[j], row = at + j * n;
        if (gj === 0) continue;
        for (let i = 0; i < n; i++) into[row + i] += gj * u[i];
        if (next) for (let i = 0; i < n; i++) next[i] += gj * theta[row + i];
        if (bias) into[at + n * m + j] += gj;
      }
      if (next) {
        const d = ACTIVATIONS[this.kinds[l - 1]].d, z = this.before[l - 1];
        for (let i = 0; i < n; i++) next[i] *= d(z[i], u[i]);
      }
    }
    return y;
  }
}

export interface Rows { x: ArrayLike<number>[]; y: number[] }

/** The mean squared error; its gradient is written into `into`. */
export function lossAndGradient(net: Network, rows: Rows, which: ArrayLike<number>, into: Float64Array): number {
  into.fill(0);
  let loss = 0;
  const n = which.length;
  for (let k = 0; k < n; k++) {
    const i = which[k];
    const y = net.pull(rows.x[i], (v) => (2 * (v - rows.y[i])) / n, into);
    loss += (y - rows.y[i]) ** 2;
  }
  return loss / n;
}

export function loss(net: Network, rows: Rows): number {
  let sum = 0;
  for (let i = 0; i < rows.y.length; i++) sum += (net.at(rows.x[i]) - rows.y[i]) ** 2;
  return sum / rows.y.length;
}

/** Adam (Kingma and Ba 2015), or SGD with momentum 0.9, as PyTorch and surefit have them. */
export class Optimiser {
  kind: string;
  m: Float64Array;
  v: Float64Array;
  steps = 0;

  constructor(kind: string, size: number) {
    this.kind = kind;
    this.m = new Float64Array(size);
    this.v = new Float64Array(size);
  }

  step(theta: Float64Array, g: Float64Array, lr: number): void {
    this.steps++;
    const one = 1 - 0.9 ** this.steps, two = 1 - 0.999 ** this.steps;
    for (let i = 0; i < theta.length; i++) {
      if (this.kind === "sgd") {
        this.m[i] = this.steps === 1 ? g[i] : 0.9 * this.m[i] + g[i];
        theta[i] -= lr * this.m[i];
      } else {
        this.m[i] = 0.9 * this.m[i] + 0.1 * g[i];
        this.v[i] = 0.999 * this.v[i] + 0.001 * g[i] * g[i];
        theta[i] -= (lr * (this.m[i] / one)) / (Math.sqrt(this.v[i] / two) + 1e-8);
      }
    }
  }
}

// --- least squares ---

/** Columns (each of n numbers) made orthonormal, those that add nothing left out: Gram and Schmidt, twice. */
function orthonormal(columns: Float64Array[]): Float64Array[] {
  const found: Float64Array[] = [];
  for (const column of columns) {
    const v = column.slice(), before = Math.sqrt(dot(v, v));
    for (let again = 0; again < 2; again++) for (const q of found) add(v, q, -dot(q, v));
    const size = Math.sqrt(dot(v, v));
    if (size > 1e-13 * before && size > 0) found.push(v.map((c) => c / size));
  }
  return found;
}
function dot(a: Float64Array, b: Float64Array): number { let s = 0; for (let i = 0; i < a.length; i++) s += a[i] * b[i]; return s; }
function add(a: Float64Array, b: Float64Array, by: number): void { for (let i = 0; i < a.length; i++) a[i] += by * b[i]; }

/** The solution of (A + damping diag(A)) x = b for a symmetric A, by Cholesky; null where A is not positive definite. */
export function solveDamped(a: Float64Array[], b: Float64Array, damping: number): Float64Array | null {
  const n = b.length, l = a.map((row) => row.slice()), x = b.slice();
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, a[i][i]);
  for (let j = 0; j < n; j++) {
    let d = l[j][j] * (1 + damping) + 1e-15 * most;
    for (let k = 0; k < j; k++) d -= l[j][k] ** 2;
    if (!(d > 0)) return null;
    l[j][j] = Math.sqrt(d);
    for (let i = j + 1; i < n; i++) {
      let s = l[i][j];
      for (let k = 0; k < j; k++) s -= l[i][k] * l[j][k];
      l[i][j] = s / l[j][j];
    }
  }
  for (let i = 0; i < n; i++) { for (let k = 0; k < i; k++) x[i] -= l[i][k] * x[k]; x[i] /= l[i][i]; }
  for (let i = n - 1; i >= 0; i--) { for (let k = i + 1; k < n; k++) x[i] -= l[k][i] * x[k]; x[i] /= l[i][i]; }
  return x;
}

/** The best output layer for the hidden units as they are, by least squares; written into the network. */
export function solveOutput(net: Network, rows: Rows): Float64Array[] {
  const n = rows.y.length, last = net.depth - 1, h = net.sizes[last], count = h + (net.bias ? 1 : 0);
  const phi = Array.from({ length: count }, () => new Float64Array(n).fill(1));
  rows.x.forEach((x, i) => { const u = net.trace(x)[last]; for (let j = 0; j < h; j++) phi[j][i] = u[j]; });
  const q = orthonormal(phi), y = Float64Array.from(rows.y);
  // refined: what is left after each solve is solved for again, on normal equations with a trace of damping
  const gram = phi.map((a) => Float64Array.from(phi.map((b) => dot(a, b)))), w = new Float64Array(count), rest = y.slice();
  for (let again = 0; again < 6; again++) {
    const step = solveDamped(gram, Float64Array.from(phi.map((p) => dot(p, rest))), 1e-12);
    if (!step) break;
    add(w, step, 1);
    rest.set(y);
    phi.forEach((p, j) => add(rest, p, -w[j]));
  }
  net.theta.set(w, net.starts[last]);
  return q;
}

/** One method: `epoch` makes it go on, and gives the loss at the training rows; `done` when nothing improves. */
export class Solver {
  net: Network;
  rows: Rows;
  projected: boolean;
  damping = 1e-2;
  done = false;
  current: number;

  /** projected: variable projection, with the Jacobian of Kaufman (1975); else Levenberg-Marquardt in all weights. */
  constructor(net: Network, rows: Rows, projected: boolean) {
    this.net = net;
    this.rows = rows;
    this.projected = projected;
    if (projected) solveOutput(net, rows);
    this.current = loss(net, rows);
  }

  epoch(): number {
    const { net, rows } = this, n = rows.y.length;
    const free = this.projected ? net.starts[net.depth - 1] : net.theta.length;
    const j = Array.from({ length: free }, () => new Float64Array(n)), r = new Float64Array(n), row = new Float64Array(net.theta.length);
    for (let i = 0; i < n; i++) {
      row.fill(0);
      r[i] = net.pull(rows.x[i], () => 1, row) - rows.y[i];
      for (let k = 0; k < free; k++) j[k][i] = row[k];
    }
    if (this.projected) {
      const q = solveOutput(net, rows);
      for (const column of j) for (const v of q) add(column, v, -dot(v, column));
    }
    const gram = j.map(() => new Float64Array(free)), g = new Float64Array(free);
    for (let a = 0; a < free; a++) {
      g[a] = -dot(j[a], r);
      for (let b = 0; b <= a; b++) gram[a][b] = gram[b][a] = dot(j[a], j[b]);
    }
    const before = net.theta.slice();
    for (let tries = 0; tries < 12; tries++) {
      const step = solveDamped(gram, g, this.damping);
      if (step) {
        for (let k = 0; k < free; k++) net.theta[k] = before[k] + step[k];
        if (this.projected) solveOutput(net, rows);
        const now = loss(net, rows);
        if (now < this.current) {
          this.done = this.current - now < 1e-9 * this.current;
          this.damping = Math.max(this.damping / 4, 1e-12);
          return (this.current = now);
        }
      }
      net.theta.set(before);
      this.damping *= 4;
    }
    this.done = true;
    return this.current;
  }
}

/** Passes over the rows in mini-batches; the learning rate falls along a cosine, as in `surefit.Adam`. */
export class Descent {
  net: Network;
  rows: Rows;
  draw: () => number;
  optimiser: Optimiser;
  lr: number;
  batch: number;
  epochs: number;
  epochsDone = 0;
  gradient: Float64Array;

  constructor(net: Network, rows: Rows, kind: string, lr: number, batch: number, epochs: number, draw: () => number) {
    this.net = net;
    this.rows = rows;
    this.draw = draw;
    this.optimiser = new Optimiser(kind, net.theta.length);
    this.lr = lr;
    this.batch = batch;
    this.epochs = epochs;
    this.gradient = new Float64Array(net.theta.length);
  }

  epoch(): number {
    const n = this.rows.y.length, order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) { const k = Math.floor(this.draw() * (i + 1)); [order[i], order[k]] = [order[k], order[i]]; }
    const parts = Math.ceil(n / this.batch), total = parts * this.epochs;
    let sum = 0;
    for (let p = 0; p < parts; p++) {
      const which = order.slice(p * this.batch, (p + 1) * this.batch);
      const lr = 0.5 * this.lr * (1 + Math.cos((Math.PI * (this.epochsDone * parts + p)) / total));
      sum += lossAndGradient(this.net, this.rows, which, this.gradient) * which.length;
      this.optimiser.step(this.net.theta, this.gradient, lr);
    }
    this.epochsDone++;
    return sum / n;
  }
}
