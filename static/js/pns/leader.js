/**
 * One socket per device: the tabs elect a leader (Web Locks), which holds the connection and comes
 * back from a table after a loss. The other tabs render what it writes to IndexedDB.
 *
 * Hook for tests: `data-node` on <html> of the leader names the node that holds its connection.
 */
import { get } from "pushlab/shared/api.js";
import { Backoff, rest } from "./backoff.js";
import { Line } from "./line.js";
import { Socket } from "./socket.js";
import { onWake } from "./wake.js";

const LOCK = "pushlab-pns";
const REPLACED = 4001;
const SESSION_ENDED = 4003;
const PROTOCOL_BREACH = 1008;

export class Leader {
  #delegate;
  #backoff = new Backoff();
  #line = new Line();
  #socket = null;

  /** `delegate` as in socket.js, plus onSignedOut(). */
  constructor(delegate) {
    this.#delegate = delegate;
  }

  start() {
    window.addEventListener("offline", () => this.#socket?.close());
    onWake(() => this.#socket?.close());
    if (!navigator.locks) return void this.#lead();
    this.#line.follow();
    navigator.locks.request(LOCK, () => this.#lead());
  }

  acknowledge(ids) {
    this.#socket?.acknowledge(ids);
  }

  async #lead() {
    for (;;) {
      this.#line.tell("connecting");
      const code = await this.#connect();
      this.#backoff.onEnd();
      this.#line.tell("closed");
      if (!(await this.#mayReturn(code))) return;
      await rest(this.#backoff.next());
    }
  }

  #connect() {
    const delegate = this.#delegate;
    this.#socket = new Socket({
      onHello: (frame) => this.#onHello(frame),
      onNotification: (frame) => delegate.onNotification(frame),
      onReplayed: (frame) => this.#onReplayed(frame),
      onHint: (what) => delegate.onHint(what),
    });
    return this.#socket.run();
  }

  #onHello(frame) {
    this.#backoff.onSuccess();
    document.documentElement.dataset.node = frame.node;
    this.#line.tell("open");
    this.#delegate.onHello(frame);
  }

  /** Loss is told once: the server keeps the number until it is acknowledged. */
  #onReplayed(frame) {
    this.#delegate.onReplayed(frame);
    if (frame.expired) this.#socket.acknowledgeExpired(frame.expired);
  }

  async #mayReturn(code) {
    if (code === SESSION_ENDED || (!this.#socket.greeted && (await signedOut()))) {
      this.#delegate.onSignedOut();
      return false;
    }
    // 4001 with the lock in hand was our own late attempt. Without locks (insecure origin) another
    // tab took over, and coming back at once would only take the connection from that one.
    if (code === REPLACED && !navigator.locks) await untilLookedAt();
    if (code === PROTOCOL_BREACH) this.#backoff.slowDown();
    return true;
  }
}

/** A refused handshake has no status in a browser (only 1006), so ask. */
async function signedOut() {
  const problem = await get("/api/session").catch((error) => error);
  return problem.status === 401;
}

function untilLookedAt() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}
