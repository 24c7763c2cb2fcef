/**
 * One form of the account page: sends its fields as JSON, marks those that are at fault.
 *
 * Hook for tests: `data-state` on the form is `idle`, `sending`, `done` or `failed`.
 */
export class AccountForm {
  #form;
  #send;
  #sentence;
  #onDone;

  /** `send(body)` rejects with a Problem; `sentence` is said, then `onDone()` called, when it went well. */
  constructor(part, send, sentence, onDone = () => null) {
    this.#form = document.querySelector(`[data-part=${part}]`);
    this.#send = send;
    this.#sentence = sentence;
    this.#onDone = onDone;
  }

  start() {
    this.#form?.addEventListener("submit", (event) => this.#onSubmit(event));
  }

  async #onSubmit(event) {
    event.preventDefault();
    if (this.#form.dataset.state === "sending") return;
    this.#say("sending", "One moment…");
    this.#mark([]);
    try {
      await this.#send(this.#body());
      this.#form.reset();
      this.#say("done", this.#sentence);
      this.#onDone();
    } catch (problem) {
      this.#onProblem(problem);
    }
  }

  #body() {
    const sent = [...this.#form.elements].filter((field) => field.name && !("notSent" in field.dataset));
    return Object.fromEntries(sent.map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]));
  }

  #onProblem(problem) {
    const known = problem.errors.filter(({ field }) => this.#form.elements[field]);
    this.#mark(known);
    this.#say("failed", known.length ? "Look at the marked field." : `${problem.message} ${problem.wayOn}`);
    if (known.length) this.#form.elements[known[0].field].focus();
  }

  #mark(errors) {
    for (const slot of this.#form.querySelectorAll("[data-error]")) {
      const reason = errors.find(({ field }) => field === slot.dataset.error)?.reason ?? "";
      slot.textContent = reason;
      this.#form.elements[slot.dataset.error].setAttribute("aria-invalid", String(Boolean(reason)));
    }
  }

  #say(state, text) {
    this.#form.dataset.state = state;
    this.#form.querySelector("[data-fill=status]").textContent = text;
  }
}
