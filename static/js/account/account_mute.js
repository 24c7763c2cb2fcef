/** Quiet on all devices, for a while or until turned off. `data-muted` on the part is true or false. */
import { muted } from "pushlab/devices/muted.js";
import { get, put, remove } from "pushlab/shared/api.js";

const PATH = "/api/account/mute";

export class AccountMute {
  #part = document.querySelector("[data-part=mute]");
  #turn = Promise.resolve();

  start() {
    this.#part.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")));
    document.addEventListener("push:changed", ({ detail }) => detail === "devices" && this.#do(() => get("/api/account")));
    this.#show(this.#part.dataset.until || null);
  }

  #onClick(button) {
    const { action, seconds } = button?.dataset ?? {};
    if (action === "mute") this.#do(() => put(PATH, { seconds: seconds ? Number(seconds) : null }));
    if (action === "unmute") this.#do(() => remove(PATH));
  }

  /** One after the other: an answer that comes late must not say what was before. */
  #do(work) {
    this.#turn = this.#turn.then(() => this.#try(work));
  }

  async #try(work) {
    try {
      const { muted_until: until } = await work();
      this.#show(until);
    } catch (problem) {
      this.#say(`${problem.message} ${problem.wayOn}`);
    }
  }

  #show(until) {
    const focused = document.activeElement;
    this.#part.dataset.muted = String(until !== null);
    this.#say(until ? `${muted(until)}.` : "");
    const gone = this.#part.contains(focused) && !focused.checkVisibility();
    if (gone) this.#part.querySelector(`[data-only=${until ? "muted" : "loud"}] button`).focus();
  }

  #say(text) {
    this.#part.querySelector("[data-fill=status]").textContent = text;
  }
}
