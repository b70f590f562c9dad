// Questions to the server: JSON there, JSON or a stream of events back. The token came in the address.

const found = new URLSearchParams(location.search).get("token");
if (found) {
  sessionStorage.setItem("token", found);
  history.replaceState(null, "", location.pathname + location.hash); // what a projector shows holds no token
}
const token = sessionStorage.getItem("token") ?? "";

export class Refused extends Error {}

async function asked(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(`api/${path}`, {
    method: "POST", signal, body: JSON.stringify(body),
    headers: { "content-type": "application/json", "x-surefit-token": token },
  });
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.error ?? `HTTP ${answer.status}`);
  }
  return answer;
}

export const ask = async (path: string, body: unknown, signal?: AbortSignal) => (await asked(path, body, signal)).json();

/** A file and its name. */
export async function file(path: string, body: unknown): Promise<[string, Blob]> {
  const answer = await asked(path, body);
  return [/filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "model", await answer.blob()];
}


/** Each event of a stream, until it ends or the signal aborts it: the server then stops too. */
export async function* stream(path: string, body: unknown, signal?: AbortSignal): AsyncGenerator<[string, any]> {
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
