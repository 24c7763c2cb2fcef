/**
 * Which events of a run are drawn at this moment: all of them while it is live, those up to here while
 * it is paused, one after the other in a replay. Pure: knows keys and their order, and no time.
 */
export class Player {
  /** "live", "paused" or "replaying" */
  state = "live";
  #shown = new Set();
  #replayed = false;

  /** Those of `keys` that are drawn. */
  visible(keys) {
    return this.state === "live" ? keys : keys.filter((key) => this.#shown.has(key));
  }

  /** From now on what is new waits. */
  pause(keys) {
    this.#shown = new Set(this.visible(keys));
    this.state = "paused";
  }

  /** A replay goes on where it was; else everything that waited is drawn. */
  goOn(keys) {
    const left = this.visible(keys).length < keys.length;
    this.state = this.#replayed && left ? "replaying" : "live";
  }

  /** One more; paused. */
  step(keys) {
    this.pause(keys);
    const next = keys.find((key) => !this.#shown.has(key));
    if (next) this.#shown.add(next);
  }

  /** One less; paused. */
  back(keys) {
    this.pause(keys);
    this.#shown.delete(keys.findLast((key) => this.#shown.has(key)));
  }

  /** From the beginning: `tick` brings each. */
  replay() {
    this.#shown.clear();
    this.#replayed = true;
    this.state = "replaying";
  }

  /** One more of a replay; live after the last. */
  tick(keys) {
    const next = keys.find((key) => !this.#shown.has(key));
    if (next) this.#shown.add(next);
    if (keys.every((key) => this.#shown.has(key))) this.live();
  }

  live() {
    this.#replayed = false;
    this.state = "live";
  }
}
