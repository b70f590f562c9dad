// Formulas for the page without a server: parsed into a tree, evaluated, typeset as MathML. A small part of what surefit
// reads: numbers, pi, e, + - * / ^ **, and functions of one argument.

export type Tree =
  | { kind: "number"; value: number; text: string } | { kind: "name"; name: string }
  | { kind: "minus"; of: Tree } | { kind: "call"; name: string; of: Tree }
  | { kind: "op"; op: string; left: Tree; right: Tree };

export class Fault extends Error {}

const CALLS: Record<string, (x: number) => number> = {
  sin: Math.sin, cos: Math.cos, tan: Math.tan, exp: Math.exp, log: Math.log, ln: Math.log, sqrt: Math.sqrt, abs: Math.abs,
  tanh: Math.tanh, sinh: Math.sinh, cosh: Math.cosh, sign: Math.sign, atan: Math.atan, asin: Math.asin, acos: Math.acos,
  relu: (x) => Math.max(0, x),
};
const CONSTANTS: Record<string, number> = { pi: Math.PI, e: Math.E };
const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|[-+*/^()]))/y;

/** The tree of a text. Fault with a caret under the place where it cannot be read. */
export function parse(text: string): Tree {
  const tokens: { text: string; at: number; kind: "number" | "name" | "sign" }[] = [];
  let at = 0;
  const fault = (place: number, why: string): never => {
    throw new Fault(`${why}\n  ${text}\n  ${" ".repeat(place)}^`);
  };
  while (at < text.trimEnd().length) {
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(text);
    if (!m) return fault(at + /^\s*/.exec(text.slice(at))![0].length, "this cannot be read here");
    const found = m[1] ?? m[2] ?? m[3];
    tokens.push({ text: found, at: TOKEN.lastIndex - found.length, kind: m[1] ? "number" : m[2] ? "name" : "sign" });
    at = TOKEN.lastIndex;
  }
  let i = 0, depth = 0;
  const end = text.trimEnd().length;
  const is = (...signs: string[]) => i < tokens.length && tokens[i].kind === "sign" && signs.includes(tokens[i].text);
  const left = (next: () => Tree, ...signs: string[]) => (): Tree => {
    let tree = next();
    while (is(...signs)) { const op = tokens[i++].text; tree = { kind: "op", op, left: tree, right: next() }; }
    return tree;
  };
  const atom = (): Tree => {
    const token = tokens[i];
    if (!token) return fault(end, "something is missing at the end");
    if (token.kind === "number") { i++; return { kind: "number", value: Number(token.text), text: token.text }; }
    if (token.kind === "name") {
      i++;
      if (is("(")) {
        if (!Object.hasOwn(CALLS, token.text)) return fault(token.at, `${token.text} is no function that this page knows`);
        return { kind: "call", name: token.text, of: inside() };
      }
      if (Object.hasOwn(CALLS, token.text)) return fault(token.at, `${token.text} needs an argument: ${token.text}(x)`);
      return Object.hasOwn(CONSTANTS, token.text) ? { kind: "number", value: CONSTANTS[token.text], text: token.text === "pi" ? "π" : "e" } : { kind: "name", name: token.text };
    }
    if (is("(")) return inside();
    return fault(token.at, "a number, a variable or a function is needed here");
  };
  const inside = (): Tree => {
    const open = tokens[i++];
    if (++depth > 60) return fault(open.at, "too many brackets");
    const tree = sum();
    if (!is(")")) return fault(i < tokens.length ? tokens[i].at : open.at, "this bracket is not closed");
    i++; depth--;
    return tree;
  };
  const power = (): Tree => { // binds tighter than the minus before it, and to the right
    const base = atom();
    if (!is("^", "**")) return base;
    i++;
    return { kind: "op", op: "^", left: base, right: signed() };
  };
  const signed = (): Tree => {
    if (++depth > 60) return fault(tokens[i]?.at ?? end, "too many signs");
    let tree: Tree;
    if (is("-")) { i++; tree = { kind: "minus", of: signed() }; }
    else if (is("+")) { i++; tree = signed(); }
    else tree = power();
    depth--;
    return tree;
  };
  const sum = left(left(signed, "*", "/"), "+", "-");
  const tree = sum();
  if (i < tokens.length) return fault(tokens[i].at, "this is one too many");
  return tree;
}

/** The variables, sorted. */
export function names(tree: Tree): string[] {
  const found = new Set<string>();
  const walk = (t: Tree): void => {
    if (t.kind === "name") found.add(t.name);
    else if (t.kind === "op") { walk(t.left); walk(t.right); }
    else if (t.kind !== "number") walk(t.of);
  };
  walk(tree);
  return [...found].sort();
}

/** The value where the variables have these. */
export function value(t: Tree, at: Record<string, number>): number {
  switch (t.kind) {
    case "number": return t.value;
    case "name": return at[t.name];
    case "minus": return -value(t.of, at);
    case "call": return CALLS[t.name](value(t.of, at));
    case "op": {
      const a = value(t.left, at), b = value(t.right, at);
      return t.op === "+" ? a + b : t.op === "-" ? a - b : t.op === "*" ? a * b : t.op === "/" ? a / b : a ** b;
    }
  }
}

const LEVEL: Record<string, number> = { "+": 1, "-": 1, "*": 2, "/": 2, "^": 4 };

/** Presentation MathML. Names hold letters, digits and underscores only. */
export function mathml(tree: Tree, left = "y"): string {
  const name = (n: string): string => {
    const m = /^([A-Za-z]+)_?(\d+)$/.exec(n);
    return m ? `<msub><mi>${m[1]}</mi><mn>${m[2]}</mn></msub>` : `<mi>${n}</mi>`;
  };
  const fenced = (inner: string) => `<mrow><mo>(</mo>${inner}<mo>)</mo></mrow>`;
  const show = (t: Tree, level: number): string => {
    switch (t.kind) {
      case "number": return /^[πe]$/.test(t.text) ? `<mi>${t.text}</mi>` : `<mn>${t.text}</mn>`;
      case "name": return name(t.name);
      case "minus": { const inner = `<mrow><mo>−</mo>${show(t.of, 3)}</mrow>`; return level > 1 ? fenced(inner) : inner; }
      case "call":
        if (t.name === "sqrt") return `<msqrt>${show(t.of, 0)}</msqrt>`;
        if (t.name === "abs") return `<mrow><mo>|</mo>${show(t.of, 0)}<mo>|</mo></mrow>`;
        return `<mrow><mi>${t.name}</mi>${fenced(show(t.of, 0))}</mrow>`;
      case "op": {
        if (t.op === "/") return `<mfrac><mrow>${show(t.left, 0)}</mrow><mrow>${show(t.right, 0)}</mrow></mfrac>`;
        if (t.op === "^") return `<msup><mrow>${show(t.left, 5)}</mrow><mrow>${show(t.right, 0)}</mrow></msup>`;
        const own = LEVEL[t.op], sign = t.op === "-" ? "−" : "+";
        const product = t.op === "*", digits = product && t.right.kind === "number";
        const inner = `<mrow>${show(t.left, own)}<mo>${digits ? "·" : product ? "\u2062" : sign}</mo>${show(t.right, own + (t.op === "+" ? 0 : 1))}</mrow>`;
        return own < level ? fenced(inner) : inner;
      }
    }
  };
  return `<math display="block"><mi>${left}</mi><mo>=</mo>${show(tree, 0)}</math>`;
}
