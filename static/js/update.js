/**
 * Tells the reader that a newer version is there; nothing reloads before they say so.
 *
 * A page is of one version, and so is its worker: the addresses of their files carry it. A newer
 * worker waits until a page of its own version lets it take over, or the reader presses the button.
 * Hook for tests: the part `update` is shown.
 */
import { ask } from "pushlab/worker_link.js";

const MINE = new URL(import.meta.url).pathname.split("/").at(-3);
const PATIENCE = 3_000;
const SELDOM = 3_600_000;

export class Update {
  #notice = document.querySelector("[data-part=update]");
  #looked = Date.now();
  #leaving = false;

  async start() {
    if (!navigator.serviceWorker) return;
    this.#notice.querySelector("button").addEventListener("click", () => this.#reload());
    navigator.serviceWorker.addEventListener("controllerchange", () => this.#onOtherWorker());
    document.addEventListener("push:connected", () => this.#look());
    document.addEventListener("visibilitychange", () => document.hidden || this.#lookSeldom());
    this.#watch(await navigator.serviceWorker.ready);
  }

  #watch(registration) {
    registration.addEventListener("updatefound", () => this.#follow(registration.installing));
    if (registration.installing) this.#follow(registration.installing);
    if (registration.waiting) this.#onWaiting(registration.waiting);
  }

  #follow(worker) {
    worker.addEventListener("statechange", () => worker.state === "installed" && this.#onWaiting(worker));
  }

  /** A page that was loaded after the change is of the new version already: then it is time. */
  async #onWaiting(worker) {
    const version = await ask({ type: "version" }, worker);
    if (version === MINE) worker.postMessage({ type: "take-over" });
    else if (version) this.#notice.hidden = false;
  }

  /** Another tab let the new one take over. This page goes on, and its reader is told. */
  async #onOtherWorker() {
    const version = await ask({ type: "version" }, navigator.serviceWorker.controller);
    if (version && version !== MINE && !this.#leaving) this.#notice.hidden = false;
  }

  #lookSeldom() {
    if (Date.now() - this.#looked > SELDOM) this.#look();
  }

  /** Also when the socket is back: the server may be another one since. */
  async #look() {
    this.#looked = Date.now();
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update().catch(() => null);
  }

  async #reload() {
    this.#leaving = true;
    const registration = await navigator.serviceWorker.getRegistration();
    if (registration?.waiting) await takenOver(registration.waiting);
    location.reload();
  }
}

function takenOver(worker) {
  return new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
    setTimeout(resolve, PATIENCE);
    worker.postMessage({ type: "take-over" });
  });
}
