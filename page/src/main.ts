// The page: settings on one side, the run on the other; two of them where settings race. A change of settings starts a
// run in progress over again.

import { STATIC } from "./api";
import { bring, leaveTable } from "./bringing";
import { choose } from "./choosing";
import { at, box } from "./dom";
import { takeHome } from "./home";
import { dress } from "./looks";
import { page } from "./page";
import { look } from "./pictures";
import { looksOf, read } from "./state";
import { teach } from "./teaching";
import { speakOfIt } from "./telling";
import { altered, check } from "./training";
import { undoing } from "./undoing";

choose();
bring();
look();
takeHome();
teach();
undoing();
speakOfIt();
if (STATIC) {
  for (const id of ["open", "prove", "copy-python", "copy-command", "copy-c"]) at(id).hidden = true;
  for (const b of document.querySelectorAll<HTMLElement>("[data-file]")) b.hidden = !["png", "csv"].includes(b.dataset.file!);
  at("design").parentElement!.hidden = true;
  at("static").hidden = false;
}
addEventListener("hashchange", () => { // a link was followed, or an address typed
  leaveTable();
  const text = location.hash.slice(1);
  page.looks = looksOf(text);
  Object.assign(page, { s: read(text), current: 0, tried: false, scene: null, delay: +(page.looks.speed ?? 0) });
  box("formula").value = page.s.formula;
  altered();
});
dress();
void check();
