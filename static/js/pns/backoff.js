/** Waiting between attempts: from a table, with full jitter, cut short when there is reason to hope. */

const SECONDS = [0.5, 1, 2, 4, 8, 15, 30];
/** Milliseconds that a connection must last before the table begins again. */
const STEADY = 10_000;

export class Backoff {
  #step = 0;
  #since = null;

  /** Milliseconds to wait: anything up to the table's value (`atLeast` seconds when the server said so). */
  next(atLeast = 0) {
    const most = SECONDS[Math.min(this.#step++, SECONDS.length - 1)];
    return 1000 * Math.max(atLeast, Math.random() * most);
  }

  /** A connection stands. */
  onSuccess() {
    this.#since = Date.now();
  }

  /** It is over. One that is taken away as soon as it stands must not be tried twice a second. */
  onEnd() {
    if (this.#since !== null && Date.now() - this.#since >= STEADY) this.#step = 0;
    this.#since = null;
  }

  /** Go straight to the longest wait: trying soon would only do the same again. */
  slowDown() {
    this.#step = SECONDS.length - 1;
  }
}

/** Resolves after `ms`, or at once when the network is back, the page is looked at, or `signal` says so. */
export function rest(ms, signal) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const { signal: listening } = over;
    window.addEventListener("online", end, { signal: listening });
    document.addEventListener("visibilitychange", () => document.hidden || end(), { signal: listening });
    signal?.addEventListener("abort", end, { signal: listening });
  });
}
