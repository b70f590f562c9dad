// What the page knows: what is chosen, what runs, what is shown. All parts read it; who changes it says so, and those
// that show it hear of it.

import type { Histograms, Layer, Units } from "./network";
import type { Loss, Row, Scene } from "./plots";
import { looksOf, read, type Lane, type Settings } from "./state";

const looks = looksOf(location.hash.slice(1));

/** A training of one lane, as far as it was seen. */
export interface Run {
  abort: AbortController; id: string; live: boolean; fit: Row | null; scale: number; layers: Layer[] | null;
  units: Units[]; histograms: Histograms[]; kinks: Row; losses: Loss[]; done: any;
}

/** A run that was put aside. */
export interface Kept { fit: Row; losses: Loss[]; key: string; scene: Scene; name: string; max: number | null }

export const page = {
  s: read(location.hash.slice(1)) as Settings,
  looks, // of the page, where the address or a click has chosen them
  current: 0, // the lane whose settings and network are shown
  scene: null as Scene | null,
  runs: [] as (Run | null)[],
  kept: [] as Kept[],
  codes: [] as { python: string; command: string }[], // the calls that do the same
  sizes: [] as (number | null)[], // parameters of each lane
  wrong: "", status: "ready", paused: false,
  proven: null as any,
  tried: false, // a lesson
  drawing: false, stroke: [] as [number, number][],
  solid: false, seconds: false, // the surface; losses against seconds
  chosen: null as { layer: number; unit: number } | null,
  delay: +(looks.speed ?? 0), // seconds between two epochs
};

export const one = (): Lane => page.s.lanes[page.current];
export const mine = (): Run | null => page.runs[page.current] ?? null;
export const live = (): boolean => page.runs.some((r) => r?.live);
export const racing = (): boolean => page.s.lanes.length === 2;
export const sceneKey = (): string => JSON.stringify([page.scene?.axes.map((a) => [a[0], a[a.length - 1]]), page.s.table?.names ?? page.s.formula]);
export const title = (l: Lane): string => `${l.method} · ${l.method === "auto" ? "" : `${l.hidden.join("-")} ${[...new Set(l.activations)].join("/")}${l.bias ? "" : " −b"}`}`;

/** settings: what can be chosen. news: what is said and drawn about the run. */
type Kind = "settings" | "news";
const hearers: Record<Kind, (() => void)[]> = { settings: [], news: [] };
export function hear(kind: Kind, hearer: () => void): void { hearers[kind].push(hearer); }
export function announce(...kinds: Kind[]): void { for (const kind of kinds) for (const hearer of hearers[kind]) hearer(); }
