/**
 * This run: what the App Server's journal and the Push Service's tell of it, in one list. Whoever
 * draws, checks or explains a run reads it here.
 *
 * Each event is as the journals give it (`actor`, `kind`, `step`, `at`, `summary`, `detail`, …) and
 * has two fields more: `source` ("app" or "push-service") and `key` ("<source>-<id>", unique).
 */
import { post } from "pushlab/shared/api.js";
import { AppFeed } from "./app_feed.js";
import { PushServiceFeed } from "./push_service_feed.js";

/** What comes within so many milliseconds is told at once: a page that opens gets a whole run. */
const TOGETHER = 25;

export class Run {
  #events = new Map();
  #sorted = null;
  #untold = [];
  #telling = null;
  #listeners = [];
  #feeds;

  /** `part`: the element that says how the Push Service's journal is (see push_service_feed.js). */
  constructor(part) {
    const take = (source, events) => this.#take(source, events);
    this.#feeds = [new AppFeed(take, () => this.#empty()), new PushServiceFeed(part, take)];
  }

  start() {
    for (const feed of this.#feeds) feed.start();
  }

  /** All events so far, by time. The list is everybody's: do not change it. */
  get events() {
    this.#sorted ??= [...this.#events.values()].sort((one, other) => one.at - other.at);
    return this.#sorted;
  }

  /** `listener(events)` with what is new, each event once; with null when a new run has begun. */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Leave this run and begin an empty one. Rejects with a problem (see shared/api.js). */
  async beginAnew() {
    await post("/api/runs");
    this.#empty();
  }

  /** Whoever shows this run shows nothing, and then what the new one has. */
  #empty() {
    this.#events.clear();
    this.#sorted = null;
    this.#untold = [];
    this.#tell(null);
    for (const feed of this.#feeds) feed.restart();
  }

  #take(source, events) {
    const fresh = events
      .map((event) => ({ ...event, source, key: `${source}-${event.id}` }))
      .filter(({ key }) => !this.#events.has(key));
    for (const event of fresh) this.#events.set(event.key, event);
    if (!fresh.length) return;
    this.#sorted = null;
    this.#untold.push(...fresh);
    this.#telling ??= setTimeout(() => this.#tellAll(), TOGETHER);
  }

  #tellAll() {
    const events = this.#untold;
    this.#untold = [];
    this.#telling = null;
    if (events.length) this.#tell(events);
  }

  #tell(events) {
    for (const listener of this.#listeners) listener(events);
  }
}
