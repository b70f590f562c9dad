// The function that is brought along: a curve drawn by hand, or a file whose columns are chosen.

import { ask, Refused } from "./api";
import { at, box, canvasOf, made, refill, row } from "./dom";
import { csvOf, download } from "./home";
import { announce, hear, page } from "./page";
import { redraw } from "./pictures";
import { drawn, type Sheet, type Table } from "./state";
import { altered, failed, reset } from "./training";
import { lang, many, say } from "./words";

const LARGEST = 200e6, SENT = 480_000; // bytes of a file that is read here; characters that the server reads

/** Back to the formula. */
export function leaveTable(): void {
  Object.assign(page.s, { table: null, sheet: null, picked: [] });
  page.drawing = false;
  page.stroke = [];
}

// --- drawn ---

function pen(e: PointerEvent): void {
  const r = canvasOf("fit").getBoundingClientRect(), x = (2 * (e.clientX - r.left)) / r.width - 1, y = 1 - (2 * (e.clientY - r.top)) / r.height;
  const { stroke } = page, last = stroke[stroke.length - 1];
  if (x < -1 || x > 1) return;
  while (stroke.length > 1 && stroke[stroke.length - 1][0] >= x) stroke.pop(); // going back rubs out: one value at each x
  if (last && stroke[stroke.length - 1][0] >= x) return;
  stroke.push([+x.toFixed(4), +Math.max(-1, Math.min(1, y)).toFixed(4)]);
  redraw();
}

function draw(): void {
  if (page.drawing || page.s.table) { leaveTable(); page.scene = null; altered(); return; }
  reset();
  page.drawing = true;
  page.stroke = [];
  page.wrong = "";
  announce("settings", "news");
  canvasOf("fit").scrollIntoView({ block: "nearest" });
}

function finished(): void {
  if (!page.drawing || !page.stroke.length) return;
  const { stroke } = page, first = stroke[0][0], last = stroke[stroke.length - 1][0];
  if (stroke.length < 8 || last - first < 0.1) { page.stroke = []; page.wrong = say("few"); announce("news"); return; }
  page.drawing = false;
  Object.assign(page.s, { table: drawn(stroke), sheet: null, picked: [] });
  page.scene = null;
  altered(0, true);
}

// --- a file ---

/** The text of a file: UTF-8, UTF-16, or what spreadsheets of this language write. Refused: it is no text. */
async function textOf(file: File): Promise<string> {
  if (file.size > LARGEST) throw new Refused(say("too-large"));
  const bytes = new Uint8Array(await file.arrayBuffer()), head = bytes.subarray(0, 4096);
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) return new TextDecoder(head[0] === 0xff ? "utf-16le" : "utf-16be").decode(bytes);
  if (head.includes(0)) throw new Refused(say("no-text"));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder(lang === "zh" ? "gb18030" : "windows-1252").decode(bytes);
  }
}

/** The heading and as many lines, evenly over the file, as the server reads; how many rows there are. */
function thinned(text: string): [string, number | null] {
  const bytes = text.length * (text.length / Math.max(1, new Blob([text.slice(0, 1e5)]).size) < 0.7 ? 3 : 1);
  if (text.length <= SENT && bytes <= 2 * SENT) return [text, null];
  const every = Math.ceil((1.1 * bytes) / SENT), kept: string[] = [];
  let count = 0;
  for (let at = 0; at < text.length; count++) { // a split would make millions of texts
    const found = text.indexOf("\n", at), end = found < 0 ? text.length : found;
    if (count === 0 || (count - 1) % every === 0) kept.push(text.slice(at, end));
    at = end + 1;
  }
  return [kept.join("\n"), count - 1];
}

async function opened(file: File | undefined): Promise<void> {
  if (!file) return;
  try {
    const [csv, lines] = thinned(await textOf(file));
    const found = await ask("table", { csv }).catch((first) => ask("table", { csv, decimal: "," }).then((t) => ({ ...t, decimal: "," })).catch(() => { throw first; }));
    if (found.names.length < 2) throw new Refused(say("wide"));
    const sheet: Sheet = { ...found, file: file.name, total: lines ?? found.total };
    page.drawing = false;
    pick(sheet, [Math.max(0, found.names.length - 2), found.names.length - 1]);
  } catch (error) { failed(error instanceof DOMException ? new Refused(say("no-text")) : error); }
}

/** Choose the columns: one or two of inputs, and one of values. */
function pick(sheet: Sheet, picked: number[]): void {
  const table: Table = { names: picked.map((i) => sheet.names[i]), rows: sheet.rows.map((r) => picked.map((i) => r[i])), file: sheet.file };
  Object.assign(page.s, { sheet, picked, table });
  page.scene = null;
  altered();
}

function showColumns(): void {
  const { sheet, picked, table } = page.s, part = at("columns");
  part.hidden = !table;
  refill(part, [sheet?.file, sheet?.names, sheet?.total, picked, !!table, lang], () => {
    if (!table) return [];
    if (!sheet) {
      const save = made("button", say("save-points")) as HTMLButtonElement;
      save.type = "button";
      save.addEventListener("click", () => page.s.table && download("drawn.csv", csvOf(page.s.table.names, page.s.table.rows)));
      return [save];
    }
    const inputs = picked.slice(0, -1), y = picked[picked.length - 1], names = sheet.names;
    const slots: [string, string, number, (v: number) => number[]][] = [
      ["x", say("input"), inputs[0], (v) => [v, ...inputs.slice(1).filter((i) => i !== v), y]],
      ["x2", say("second"), inputs[1] ?? -1, (v) => (v < 0 ? [inputs[0], y] : [inputs[0], v, y])],
      ["y", say("values"), y, (v) => [...inputs, v]],
    ];
    return [...slots.filter(([letter]) => letter !== "x2" || names.length > 2).map(([letter, word, now, change]) => {
      const select = document.createElement("select");
      select.ariaLabel = `${say("column")} ${letter}`;
      if (letter === "x2") select.append(new Option(say("none"), "-1"));
      select.append(...names.map((n, i) => new Option(n, String(i), false, i === now)));
      select.addEventListener("change", () => pick(sheet, change(+select.value)));
      return row(word, select);
    }), made("p", many(sheet.file, sheet.rows.length, sheet.total))];
  });
}

export function bring(): void {
  const pad = canvasOf("fit");
  hear("settings", showColumns);
  at("draw").addEventListener("click", draw);
  pad.addEventListener("pointerdown", (e) => { if (page.drawing) { page.stroke = []; page.wrong = ""; pad.setPointerCapture(e.pointerId); pen(e); } });
  pad.addEventListener("pointermove", (e) => { if (page.drawing && e.buttons) for (const each of e.getCoalescedEvents?.() ?? []) pen(each); if (page.drawing && e.buttons) pen(e); });
  pad.addEventListener("pointerup", finished);
  pad.addEventListener("pointercancel", () => { if (page.drawing) { page.stroke = []; redraw(); } });
  at("open").addEventListener("click", () => box("file").click());
  box("file").addEventListener("change", async () => { await opened(box("file").files?.[0]); box("file").value = ""; });
  addEventListener("dragover", (e) => e.preventDefault());
  addEventListener("drop", (e) => { e.preventDefault(); void opened(e.dataTransfer?.files[0]); });
}
