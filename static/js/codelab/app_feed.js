/**
 * The App Server's journal of this run: fetched again when the server hints, and every so often in
 * case a hint was lost (each second while there is no socket to hint over).
 */
import { get } from "pushlab/shared/api.js";

const SWEEP = 5_000;
const WITHOUT_SOCKET = 1_000;

export class AppFeed {
  #onEvents;
  #onOtherRun;
  #runId = null;
  #cursor = 0;
  #timer = null;
  #turn = Promise.resolve();
  #run = 0;

  /** `onEvents(source, events)`; `onOtherRun()` when another page of the user has begun a new run. */
  constructor(onEvents, onOtherRun) {
    this.#onEvents = onEvents;
    this.#onOtherRun = onOtherRun;
  }

  start() {
    document.addEventListener("push:changed", ({ detail }) => detail === "journal" && this.#fetch());
    this.#fetch();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** A new run starts an empty journal. What is still on its way is of the former one. */
  restart() {
    this.#run += 1;
    this.#runId = null;
    this.#cursor = 0;
    this.#fetch();
  }

  /** One after the other, so that the cursor only moves on. */
  #fetch() {
    clearTimeout(this.#timer);
    this.#turn = this.#turn.then(() => this.#bring()).catch(() => null).then(() => this.#later());
  }

  /** Page by page: one answer is limited. */
  async #bring() {
    const run = this.#run;
    for (let more = true; more; ) {
      const page = await get(`/api/journal?after=${this.#cursor}`);
      if (run !== this.#run) return;
      this.#runId ??= page.run_id;
      if (page.run_id !== this.#runId) return this.#onOtherRun();
      this.#cursor = page.cursor;
      this.#onEvents("app", page.events);
      more = page.more;
    }
  }

  #later() {
    const connected = ["open", "follower"].includes(document.documentElement.dataset.socket);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), connected ? SWEEP : WITHOUT_SOCKET);
  }
}
