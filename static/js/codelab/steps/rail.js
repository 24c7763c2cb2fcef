/**
 * The rail: the ten steps, and which of them have happened in this run.
 *
 * Hooks for tests: each step has `data-step` and `data-state` (`open`, `done`); `data-answered` is
 * `right` or `wrong` when its question was answered.
 */
import { get } from "pushlab/shared/api.js";
import { check, STEPS } from "./checks.js";

const countOf = (number) =>
  number === STEPS.length ? "All ten have happened in this run." : `${number || "None"} of ten so far, in this run.`;

export class Rail {
  #rail = document.querySelector("[data-part=rail]");

  /** Keep to this run, and show what its user has answered; resolves with the answers. */
  async start(run) {
    run.onChange(() => this.#show(run.events));
    const { answers } = await get("/api/codelab/answers").catch(() => ({ answers: [] }));
    this.#show(run.events);
    for (const answer of answers) this.answered(answer);
    return answers;
  }

  #show(events) {
    const happened = STEPS.filter((step) => this.#mark(step, check(step, events).done));
    this.#fill(this.#rail, "count", countOf(happened.length));
  }

  /** `{ step, right }`, as the API answers; `step` is the step's slug. */
  answered({ step, right }) {
    const item = this.#rail.querySelector(`[data-slug="${step}"]`);
    item.dataset.answered = right ? "right" : "wrong";
    this.#fill(item, "answered", right ? "answered" : "try again");
  }

  #mark(step, done) {
    const item = this.#rail.querySelector(`[data-step="${step}"]`);
    item.dataset.state = done ? "done" : "open";
    this.#fill(item, "state", done ? ", has happened" : ", not yet");
    return done;
  }

  #fill(element, name, text) {
    element.querySelector(`[data-fill=${name}]`).textContent = text;
  }
}
