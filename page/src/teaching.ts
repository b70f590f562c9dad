// The lessons: chosen from a list, tried, answered.

import { at, box, button, made, refill } from "./dom";
import { leaveTable } from "./bringing";
import { LESSONS } from "./lessons";
import { hear, page } from "./page";
import { lane, START } from "./state";
import { altered } from "./training";
import { either, lang, say } from "./words";

function begin(i: number): void {
  const l = LESSONS[i], first = lane(START.lanes[0], l.train);
  page.tried = false; page.kept = []; page.current = 0;
  leaveTable();
  page.s = { ...structuredClone(START), ...structuredClone(l.data), lanes: l.rival ? [first, lane(first, l.rival)] : [first], lesson: i };
  box("formula").value = page.s.formula;
  page.scene = null;
  altered();
}

function showLesson(): void {
  const { lesson } = page.s, part = at("lesson"), found = LESSONS[lesson];
  refill(at("lesson-list"), [lesson, lang], () => LESSONS.map((l, i) => button(`${i + 1}. ${either(l.name)}`, i === lesson, () => begin(i))));
  part.hidden = !found;
  refill(part, [lesson, page.tried, lang], () => {
    if (!found) return [];
    const question = made("p", either(found.question)), task = made("p", `${say("try")}: ${either(found.task)}`);
    question.className = "question";
    const answer = made("p", `${say("answer")}: ${either(found.answer)}`);
    answer.className = "answer";
    answer.hidden = !page.tried;
    const leave = button(say("leave-lesson"), null, () => { page.s.lesson = -1; altered(); });
    leave.className = "plain";
    return [question, task, answer, leave];
  });
}

export function teach(): void { hear("settings", showLesson); }
