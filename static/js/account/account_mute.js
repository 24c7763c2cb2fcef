/** Quiet on all devices, for a while or until turned off. `data-muted` on the part is true or false. */
import { muted } from "pushlab/devices/muted.js";
import { get, put, remove } from "pushlab/shared/api.js";
import { oneAtATime } from "pushlab/shared/one_at_a_time.js";

const PATH = "/api/account/mute";

export class AccountMute {
  #part = document.querySelector("[data-part=mute]");
  #turn = Promise.resolve();
  #actions = 0;
  #refresh = oneAtATime(() => this.#look());

  start() {
    this.#part.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")));
    document.addEventListener("push:changed", ({ detail }) => detail === "devices" && this.#refresh());
    this.#show(this.#part.dataset.until || null);
  }

  #onClick(button) {
    const { action, seconds } = button?.dataset ?? {};
    if (action === "mute") this.#do(() => put(PATH, { seconds: seconds ? Number(seconds) : null }));
    if (action === "unmute") this.#do(() => remove(PATH));
  }

  /** One after the other, in the order of the clicks. */
  #do(work) {
    this.#actions += 1;
    this.#turn = this.#turn.then(() => this.#try(work));
  }

  /** What was asked before a click may say what was before it. */
  async #look() {
    const actions = this.#actions;
    const account = await get("/api/account").catch(() => null);
    if (account && actions === this.#actions) this.#show(account.muted_until);
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
