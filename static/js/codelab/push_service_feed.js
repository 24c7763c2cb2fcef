/**
 * What the Push Service did, from its own lab face (it is a third party: the page asks it directly).
 * The token is limited to the endpoints of this run, so a new subscription needs a new token.
 *
 * A Push Service that hangs closes nothing. But one that lives says so every five seconds, so one that
 * says nothing for longer is told to be silent, until it is heard again.
 *
 * Hook for tests: `data-push-service` on the codelab part: `connecting`, `open`, `silent` or `closed`.
 */
import { get } from "pushlab/shared/api.js";

const AGAIN = 3_000;
const SILENCE = 12_000;

export class PushServiceFeed {
  #part;
  #onEvents;
  #source = null;
  #timer = null;
  #silence = null;
  #attempt = 0;

  constructor(part, onEvents) {
    this.#part = part;
    this.#onEvents = onEvents;
  }

  start() {
    document.addEventListener("push:changed", ({ detail }) => detail === "subscription" && this.restart());
    this.restart();
  }

  /** What is still on its way comes to nothing. */
  stop() {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#source?.close();
  }

  /** With a fresh token. It may show events older than the last one seen, so from the beginning. */
  async restart() {
    this.stop();
    if (this.#part.dataset.pushService !== "silent") this.#say("connecting");
    const attempt = this.#attempt;
    try {
      const granted = await get("/api/lab/token");
      if (attempt === this.#attempt) this.#connect(granted); // else a newer token knows more endpoints
    } catch {
      if (attempt === this.#attempt) this.#onLost();
    }
  }

  #connect({ url, token, expires_at: expires }) {
    const address = new URL("/lab/journal", url);
    address.search = new URLSearchParams({ token });
    this.#source = new EventSource(address);
    this.#source.onopen = () => this.#onHeard();
    this.#source.addEventListener("alive", () => this.#onHeard());
    this.#source.onmessage = ({ data }) => {
      this.#onHeard();
      this.#onEvents("push-service", [JSON.parse(data)]);
    };
    this.#source.onerror = () => this.#onLost();
    this.#listen();
    this.#timer = setTimeout(() => this.restart(), Math.min(untilMoment(expires), 2 ** 31 - 1));
  }

  #onHeard() {
    this.#say("open");
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#onSilence(), SILENCE);
  }

  /** It hangs, or the line is dead without anybody having said so: a new one tells. */
  #onSilence() {
    this.#say("silent");
    this.restart();
  }

  #onLost() {
    this.stop();
    this.#say("closed");
    this.#timer = setTimeout(() => this.restart(), AGAIN);
  }

  #say(state) {
    if (this.#part.dataset.pushService !== state) this.#part.dataset.pushService = state;
  }
}

/** Milliseconds until shortly before an ISO text or seconds since 1970. */
function untilMoment(moment) {
  const at = typeof moment === "number" ? moment * 1000 : Date.parse(moment);
  return Math.max(1_000, at - Date.now() - 30_000);
}
