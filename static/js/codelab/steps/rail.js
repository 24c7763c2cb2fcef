/**
 * The rail: the ten steps, and which of them have happened.
 *
 * Hooks for tests: each step has `data-step` and `data-state` (`open`, `done`); `data-answered` is
 * `right` or `wrong` when its question was answered.
 */
import { get } from "pushlab/shared/api.js";
import { STEPS } from "./checks.js";

function countOf(number) {
  if (number === STEPS.length) return "All ten have happened.";
  return number ? `${number} of ten so far.` : "None of ten so far: begin with the first.";
}

export class Rail {
  #rail = document.querySelector("[data-part=rail]");

  /** Keep to this look (see look.js), and show what its user has answered; resolves with that. */
  async start(look) {
    look.onChange(() => this.#show(look));
    const { answers } = await get("/api/codelab/answers").catch(() => ({ answers: [] }));
    this.#show(look);
    for (const answer of answers) this.answered(answer);
    return answers;
  }

  #show(look) {
    const happened = STEPS.filter((step) => this.#mark(step, look.judge(step).done));
    this.#fill(this.#rail, "count", countOf(happened.length));
  }

  /** `{ step, right }`, as the API answers; `step` is the step's slug. */
  answered({ step, right }) {
    const item = this.#rail.querySelector(`[data-slug="${step}"]`);
    item.dataset.answered = right ? "right" : "wrong";
    this.#fill(item, "answered", right ? "answered" : "question open");
  }

  #mark(step, done) {
    const item = this.#rail.querySelector(`[data-step="${step}"]`);
    const state = done ? "done" : "open";
    if (item.dataset.state !== state) item.dataset.state = state;
    this.#fill(item, "state", done ? ", has happened" : ", not yet");
    return done;
  }

  #fill(element, name, text) {
    const target = element.querySelector(`[data-fill=${name}]`);
    if (target.textContent !== text) target.textContent = text;
  }
}
