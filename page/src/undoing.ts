// Undo: settings as they were before each change.

import { at, box } from "./dom";
import { page } from "./page";
import { copied, written, type Settings } from "./state";
import { altered, changing } from "./training";

const MOST = 100, TYPING = 1500; // settings that are kept; milliseconds in which letters are one change
const past: Settings[] = [], future: Settings[] = [];
let before = copied(page.s), typed = 0, going = false;

const same = (a: Settings, b: Settings) => written(a) === written(b) && a.table === b.table;

function remember(typing: boolean): void {
  const now = Date.now(), more = typing && now - typed < TYPING;
  typed = typing ? now : 0;
  if (!going && !same(before, page.s)) {
    if (!more) past.push(before);
    past.splice(0, past.length - MOST);
    future.length = 0;
  }
  before = copied(page.s);
  show();
}

function go(from: Settings[], to: Settings[]): void {
  const found = from.pop();
  if (!found) return;
  to.push(before);
  if (found.formula !== page.s.formula || found.table !== page.s.table) page.scene = null;
  page.s = copied(found);
  page.current = Math.min(page.current, page.s.lanes.length - 1);
  page.drawing = false;
  page.tried = false;
  box("formula").value = page.s.formula;
  going = true;
  altered();
  going = false;
}

function show(): void {
  box("undo").disabled = !past.length;
  box("redo").disabled = !future.length;
}

export function undoing(): void {
  changing(remember);
  show();
  at("undo").addEventListener("click", () => go(past, future));
  at("redo").addEventListener("click", () => go(future, past));
  addEventListener("keydown", (e) => {
    const typing = e.target instanceof HTMLInputElement && ["text", "number"].includes(e.target.type); // has an undo of its own
    if (typing || !(e.ctrlKey || e.metaKey) || e.altKey) return;
    const key = e.key.toLowerCase(), back = key === "z" && !e.shiftKey, forth = key === "y" || (key === "z" && e.shiftKey);
    if (!back && !forth) return;
    e.preventDefault();
    if (back) go(past, future); else go(future, past);
  });
}
