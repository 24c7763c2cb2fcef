/**
 * What comes over the socket goes onto the screen and is acknowledged: everything that arrived in
 * one turn is claimed, shown and acknowledged together.
 *
 * DOM events: `push:expired` (detail: how many were lost to their expiry while this device was away),
 * `push:signed-out`, `push:connected`. Hints go to every tab as `push:changed`.
 */
import { sync } from "pushlab/inbox/sync.js";
import { adopt, inbox } from "pushlab/owner.js";
import { announce } from "pushlab/shared/changes.js";
import { report } from "pushlab/shared/journal.js";
import { receive } from "pushlab/shared/receive.js";
import { Leader } from "./leader.js";

export class Arrivals {
  #screen;
  #leader;
  /** By id: after a loss the server sends again what was not acknowledged, and may still be here. */
  #queue = new Map();
  #working = false;

  constructor(screen) {
    this.#screen = screen;
    this.#leader = new Leader(this);
  }

  start() {
    this.#leader.start();
  }

  async onHello({ connection_id: id }) {
    dispatch("push:connected");
    await adopt(id);
    this.#work();
    await sync();
  }

  onNotification({ type, ...row }) {
    this.#queue.set(row.notification_id, row);
    report("notification.received", {
      summary: `Over the WebSocket: “${row.data.title}”`,
      notificationId: row.notification_id,
      detail: row,
    });
    this.#work();
  }

  onReplayed({ expired }) {
    if (expired) dispatch("push:expired", expired);
  }

  onHint(what) {
    if (what === "read") sync();
    else announce(what);
  }

  onSignedOut() {
    dispatch("push:signed-out");
  }

  async #work() {
    if (this.#working || !inbox()) return;
    this.#working = true;
    await Promise.resolve(); // let the frames of this turn come in
    while (this.#queue.size) await this.#receive(this.#takeAll());
    this.#working = false;
  }

  #takeAll() {
    const rows = [...this.#queue.values()];
    this.#queue.clear();
    return rows;
  }

  /** What fails here stays unacknowledged, and the server sends it again on the next connection. */
  async #receive(rows) {
    try {
      const ids = await receive(rows, inbox(), (row, before) => this.#screen.show(row, before));
      this.#leader.acknowledge(ids);
      report("notification.acknowledged", {
        summary: ids.length === 1 ? "Acknowledged over the WebSocket" : `${ids.length} acknowledged in one frame`,
        notificationId: ids[0],
        detail: { type: "ack", notification_ids: ids },
      });
    } catch (error) {
      console.warn("pushlab: not shown, not acknowledged:", error.message);
    }
  }
}

const dispatch = (name, detail = null) => document.dispatchEvent(new CustomEvent(name, { detail }));
