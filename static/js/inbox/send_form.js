/**
 * Sends a notification to a user or to oneself, now or later. A try that fails keeps its Idempotency-Key, so that
 * sending again after a lost answer is the same notification.
 *
 * Hook for tests: `data-state` on the form is `idle`, `sending`, `sent` or `failed`.
 */
import { day, time } from "pushlab/moments.js";
import { post } from "pushlab/shared/api.js";

export class SendForm {
  #form = document.querySelector("[data-part=send]");
  #key = newKey();
  #firstTry = null;

  start() {
    this.#form?.addEventListener("submit", (event) => this.#onSubmit(event));
    this.#form?.addEventListener("input", () => this.#renew());
  }

  async #onSubmit(event) {
    event.preventDefault();
    if (this.#form.dataset.state === "sending") return;
    this.#say("sending", "Sending…");
    this.#mark([]);
    try {
      this.#onSent(await post("/api/notifications", this.#content(), { headers: { "Idempotency-Key": this.#key } }));
    } catch (problem) {
      this.#onProblem(problem);
    }
  }

  #renew() {
    this.#key = newKey();
    this.#firstTry = null;
  }

  /** Empty fields are left out: the server has the defaults. Another try says the same again. */
  #content() {
    const filled = [...new FormData(this.#form)].filter(([, value]) => value.trim() !== "");
    const { wait, ...content } = Object.fromEntries(filled);
    if (!wait) return content;
    this.#firstTry ??= Date.now();
    return { ...content, deliver_at: new Date(this.#firstTry + wait * 1000).toISOString() };
  }

  #onSent(answer) {
    this.#renew();
    if (answer.deliver_at) document.dispatchEvent(new CustomEvent("push:scheduled"));
    this.#form.elements.title.value = "";
    this.#form.elements.body.value = "";
    this.#say("sent", sentence(answer));
  }

  #onProblem(problem) {
    const known = problem.errors.filter(({ field }) => this.#form.elements[field]);
    this.#mark(known);
    this.#say("failed", known.length ? "Not sent: look at the marked fields." : `Not sent. ${problem.message}`);
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

/** Another user's devices are none of the sender's business: then only "Sent". */
function sentence({ devices, subscriptions, deliver_at: at }) {
  if (at) return `Kept until ${day(at)} ${time(at)}.`;
  if (devices === undefined) return "Sent.";
  const ways = subscriptions === 1 ? "one by push" : `${subscriptions} by push`;
  return `Sent to ${devices} ${devices === 1 ? "device" : "devices"}, ${ways}.`;
}

/** crypto.randomUUID() exists on secure origins only. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
