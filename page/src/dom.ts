// Parts of the page: found by name, made, filled again where what they show has changed.

export const at = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
export const box = (id: string) => at<HTMLInputElement>(id);
export const list = (id: string) => at<HTMLSelectElement>(id);
export const canvasOf = (id: string) => at<HTMLCanvasElement>(id);

export function made(tag: string, text: string): HTMLElement {
  const e = document.createElement(tag);
  e.textContent = text;
  return e;
}

export function button(text: string, pressed: boolean | null, click: () => void): HTMLButtonElement {
  const b = made("button", text) as HTMLButtonElement;
  b.type = "button";
  if (pressed !== null) b.ariaPressed = String(pressed);
  b.addEventListener("click", click);
  return b;
}

/** Replace children where what they show has changed; focus stays at the place where it was. */
export function refill(part: HTMLElement, key: unknown, children: () => HTMLElement[]): void {
  const stamp = JSON.stringify(key);
  if (part.dataset.key === stamp) return;
  const focusable = () => [...part.querySelectorAll<HTMLElement>("button, input, select")];
  const index = focusable().indexOf(document.activeElement as HTMLElement);
  part.dataset.key = stamp;
  part.replaceChildren(...children());
  if (index >= 0) focusable()[index]?.focus();
}

/** A line of settings: what it is called, and one or several inputs. */
export function row(label: string, ...inputs: HTMLElement[]): HTMLElement {
  const div = document.createElement("div"), pair = document.createElement("div"), name = made("span", label);
  div.className = "row";
  name.title = label; // long names are cut
  pair.className = inputs.length === 2 ? "pair-of" : "stepper";
  pair.append(...inputs);
  div.append(name, pair);
  return div;
}

/** An input for a number, or a slider between limits. */
export function numeric(value: number, label: string, changed: (v: number) => void, limits: [number, number] | null = null): HTMLInputElement {
  const input = document.createElement("input");
  input.type = limits ? "range" : "number"; input.step = "any"; input.ariaLabel = label;
  if (limits) { input.min = String(limits[0]); input.max = String(limits[1]); input.step = String((limits[1] - limits[0]) / 200); }
  input.value = String(value);
  input.addEventListener("change", () => { if (Number.isFinite(input.valueAsNumber)) changed(+input.valueAsNumber.toPrecision(12)); });
  return input;
}
