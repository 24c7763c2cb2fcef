/**
 * What the Push Service did, from its own lab face (it is a third party: the page asks it directly).
 * The token is limited to the endpoints of this run, so a new subscription needs a new token.
 *
 * Hook for tests: `data-push-service` on the codelab part: `connecting`, `open` or `closed`.
 */
import { get } from "pushlab/shared/api.js";

const AGAIN = 3_000;

export class PushServiceFeed {
  #part;
  #onEvents;
  #source = null;
  #cursor = 0;
  #timer = null;

  constructor(part, onEvents) {
    this.#part = part;
    this.#onEvents = onEvents;
  }

  start() {
    document.addEventListener("push:changed", ({ detail }) => detail === "subscription" && this.restart());
    this.restart();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  /** With a fresh token. A new token may show events older than the last one seen, so all again. */
  async restart() {
    this.stop();
    this.#cursor = 0;
    this.#say("connecting");
    try {
      this.#connect(await get("/api/lab/token"));
    } catch {
      this.#onLost();
    }
  }

  #connect({ url, token, expires_at: expires }) {
    this.stop();
    const address = new URL("/lab/journal", url);
    address.search = new URLSearchParams({ token, after: this.#cursor });
    this.#source = new EventSource(address);
    this.#source.onopen = () => this.#say("open");
    this.#source.onmessage = ({ data }) => this.#onEvents("push-service", [JSON.parse(data)]);
    this.#source.onerror = () => this.#onLost();
    this.#timer = setTimeout(() => this.restart(), Math.min(untilMoment(expires), 2 ** 31 - 1));
  }

  #onLost() {
    this.stop();
    this.#say("closed");
    this.#timer = setTimeout(() => this.restart(), AGAIN);
  }

  #say(state) {
    this.#part.dataset.pushService = state;
  }
}

/** Milliseconds until shortly before an ISO text or seconds since 1970. */
function untilMoment(moment) {
  const at = typeof moment === "number" ? moment * 1000 : Date.parse(moment);
  return Math.max(1_000, at - Date.now() - 30_000);
}
