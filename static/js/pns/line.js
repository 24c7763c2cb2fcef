/**
 * What the page says about its connection, the same in every tab: the leader tells, the followers read.
 *
 * Hook for tests and styles: `data-socket` on <html> is `connecting`, `open` (hello came), `closed`,
 * or `follower` (open, and another tab holds it). The same goes out as the DOM event `push:socket`.
 */
import { announce } from "pushlab/shared/changes.js";
import { read, write } from "pushlab/shared/device.js";

export class Line {
  #leading = false;

  /** Until this tab leads it says what the leader says. */
  follow() {
    document.addEventListener("push:changed", ({ detail }) => detail === "line" && this.#look());
    this.#look();
  }

  /** This tab leads: its connection is `state` now. */
  async tell(state) {
    this.#leading = true;
    say(state);
    await write({ line: state });
    announce("line");
  }

  async #look() {
    const state = await read("line");
    if (!this.#leading) say(state === "closed" || state === "connecting" ? state : "follower");
  }
}

function say(state) {
  document.documentElement.dataset.socket = state;
  document.dispatchEvent(new CustomEvent("push:socket", { detail: state }));
}
