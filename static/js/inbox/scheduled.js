/**
 * What waits for its time, under the form that made it: the server's list, each with a way back.
 *
 * Hooks for tests: `data-state` on the part is `empty`, `filled` or `failed`; each row has
 * `data-notification-id`. In: the DOM event `push:scheduled`, when there is one more.
 */
import { day, time } from "pushlab/moments.js";
import { get, remove } from "pushlab/shared/api.js";
import { oneAtATime } from "pushlab/shared/one_at_a_time.js";

/** Until what is due has become a notification. */
const GRACE = 1_500;
const LONGEST = 3_600_000;

export class Scheduled {
  #part = document.querySelector("[data-part=scheduled]");
  #template = document.querySelector("#scheduled-template");
  #timer = null;
  #load = oneAtATime(() => this.#bring());

  start() {
    if (!this.#part) return;
    document.addEventListener("push:scheduled", () => this.#load());
    this.#part.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action=take-back]")));
    this.#load();
  }

  async #bring() {
    try {
      const { scheduled } = await get("/api/scheduled");
      this.#show(scheduled);
    } catch (problem) {
      this.#fail(problem);
    }
  }

  #show(scheduled) {
    this.#part.querySelector("[data-list]").replaceChildren(...scheduled.map((one) => this.#element(one)));
    this.#part.dataset.state = scheduled.length ? "filled" : "empty";
    this.#part.hidden = !scheduled.length;
    this.#say("");
    clearTimeout(this.#timer);
    if (scheduled.length) this.#timer = setTimeout(() => this.#load(), untilChange(scheduled[0]));
  }

  #fail(problem) {
    if (this.#part.dataset.state === "filled") this.#say(`${problem.message} ${problem.wayOn}`);
    else this.#part.dataset.state = "failed";
  }

  #element({ notification_id: id, to, data, deliver_at: at }) {
    const element = this.#template.content.cloneNode(true).firstElementChild;
    element.dataset.notificationId = id;
    const texts = { title: data.title, whose: data.title, to: data.from ? `to ${to}` : "", time: `${day(at)} ${time(at)}` };
    for (const [name, text] of Object.entries(texts)) element.querySelector(`[data-fill=${name}]`).textContent = text;
    element.querySelector("time").dateTime = at;
    return element;
  }

  /** One that is delivered already is gone from the list as well: then the next list says so. */
  async #onClick(button) {
    if (!button) return;
    const id = button.closest("[data-notification-id]").dataset.notificationId;
    try {
      await remove(`/api/scheduled/${id}`);
    } catch (problem) {
      if (problem.status !== 404) return this.#fail(problem);
    }
    await this.#load();
  }

  #say(text) {
    this.#part.querySelector("[data-fill=status]").textContent = text;
  }
}

const untilChange = ({ deliver_at: at }) => Math.min(LONGEST, Math.max(0, Date.parse(at) - Date.now()) + GRACE);
