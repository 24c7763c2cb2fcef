/**
 * The question of the page's step. What was answered is kept with the user; the last answer counts.
 *
 * Hook for tests: `data-state` is `open`, `right` or `wrong`.
 */
import { put } from "pushlab/shared/api.js";

export class Question {
  #part = document.querySelector("[data-part=question]");
  #form = this.#part.querySelector("form");
  #slug;
  #onAnswer;

  /** `onAnswer(answer)` as the API answers. */
  constructor(slug, onAnswer) {
    this.#slug = slug;
    this.#onAnswer = onAnswer;
  }

  start() {
    this.#form.addEventListener("submit", (event) => this.#onSubmit(event));
  }

  /** An answer of this user, now or from before. */
  show({ choice, right, because }) {
    const taken = this.#form.querySelector(`[value="${CSS.escape(choice)}"]`);
    if (taken) taken.checked = true;
    this.#tell(right ? "right" : "wrong", right ? "Right." : "Not quite.", because);
  }

  async #onSubmit(event) {
    event.preventDefault();
    try {
      const choice = new FormData(this.#form).get("choice");
      const answer = await put(`/api/codelab/answers/${this.#slug}`, { choice });
      this.show(answer);
      this.#onAnswer(answer);
    } catch (problem) {
      this.#tell("open", "The answer could not be kept.", problem.wayOn ?? problem.message);
    }
  }

  #tell(state, outcome, because) {
    this.#part.dataset.state = state;
    this.#part.querySelector("[data-fill=outcome]").textContent = outcome;
    this.#part.querySelector("[data-fill=because]").textContent = because;
  }
}
