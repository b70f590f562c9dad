// Questions to the server: JSON there, JSON or a stream of events back. The token came in the address. A page that was
// written by `surefit play --export` has no server, and asks the trainer in this browser the same questions.

import { Local } from "./local";
import { Refused } from "./refused";

export { Refused };
export const STATIC = document.documentElement.dataset.static !== undefined;
const local = STATIC ? new Local() : null;

const kept = (key: string, value?: string): string | null => {
  try { // where cookies are refused this throws
    if (value !== undefined) sessionStorage.setItem(key, value);
    return sessionStorage.getItem(key);
  } catch { return value ?? null; }
};
const asking = new URLSearchParams(location.search), found = asking.get("token");
if (location.search) { // what a projector shows holds no token; settings that stand before the # are moved behind it
  asking.delete("token");
  const settings = [location.hash.slice(1), asking.toString()].filter(Boolean).join("&");
  history.replaceState(null, "", location.pathname + (settings && `#${settings}`));
}
const token = (found ? kept("token", found) ?? found : kept("token")) ?? "";

async function asked(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(`api/${path}`, {
    method: "POST", signal, body: JSON.stringify(body),
    headers: { "content-type": "application/json", "x-surefit-token": token, "accept-language": document.documentElement.lang },
  });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.error ?? `HTTP ${answer.status}`);
  }
  return answer;
}

export async function ask(path: string, body: unknown, signal?: AbortSignal): Promise<any> {
  return local ? local.ask(path, body as any) : (await asked(path, body, signal)).json();
}

/** A file and its name. */
export async function file(path: string, body: unknown): Promise<[string, Blob]> {
  const answer = await asked(path, body);
  return [/filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "model", await answer.blob()];
}

/** Each event of a stream, until it ends or the signal aborts it: the server then stops too. */
export async function* stream(path: string, body: unknown, signal?: AbortSignal): AsyncGenerator<[string, any]> {
  if (local) { yield* local.train(body as any, signal); return; }
  const reader = (await asked(path, body, signal)).body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const match = /^event: (\w+)\ndata: (.*)$/s.exec(part);
      if (match) yield [match[1], JSON.parse(match[2])];
    }
  }
}
