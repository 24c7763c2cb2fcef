/**
 * This browser's subscription, from "may we?" to "the server has it" (W-2 … W-5).
 *
 *   checking ──► insecure | unsupported                     nothing to be done here
 *      │
 *      ▼            click            yes
 *   default ──► (the browser asks) ──────► subscribing ──20 s──► waiting ─┐
 *      ▲  ▲           │ no    │ closed         │  │                      │
 *      │  └─ denied ◄─┘       └► dismissed     │  └► failed | incognito  │
 *      │                                       ▼                         │
 *      └───────── subscribed ◄── known ── browser-only ◄────────────────┘
 *                                     (handed over, again and again)
 *
 * In: the DOM events `push:enable` (a click), `push:disable`, `push:retry`. Out: `push:state` with
 * `{ state, ...what the card shows }`; also when nothing but the detail changed.
 * On every load, and when the server hints at it, everything is looked at afresh (failure no. 8: no
 * event tells a page that its subscription died).
 */
import { Backoff, rest } from "pushlab/pns/backoff.js";
import { get, post } from "pushlab/shared/api.js";
import { announce } from "pushlab/shared/changes.js";
import { read, write } from "pushlab/shared/device.js";
import { handOver, remember, SYNC_TAG } from "pushlab/shared/handover.js";
import { report } from "pushlab/shared/journal.js";
import { bodyOf, keyOf, renew, serverKey, subscribe } from "pushlab/shared/push_manager.js";
import { register } from "pushlab/worker_link.js";
import { obstacle, stateOf } from "./environment.js";

const PATIENCE = 20_000;
const GONE = [404, 410];
const MOST_RENEWALS = 2;

export class Subscription {
  #state = { state: "checking" };
  #run = 0;
  #wake = new AbortController();

  start() {
    document.addEventListener("push:enable", () => this.#begin((run) => this.#enable(run)));
    document.addEventListener("push:disable", () => this.#begin((run) => this.#disable(run)));
    document.addEventListener("push:retry", () => this.#retry());
    document.addEventListener("push:changed", ({ detail }) => this.#onChange(detail));
    navigator.permissions?.query({ name: "notifications" })
      .then((status) => status.addEventListener("change", () => this.#onPermission()), () => null);
    this.#recheck();
  }

  /** A newer undertaking supersedes an older one, whose outcome then shows nothing. */
  async #begin(undertaking) {
    const run = ++this.#run;
    this.#wake.abort();
    try {
      await undertaking(run);
    } catch (error) {
      this.#say(run, { state: error.status === undefined ? stateOf(error) : "failed", error });
    }
  }

  #recheck() {
    return this.#begin((run) => this.#check(run));
  }

  /** While we ask or subscribe ourselves, the answer to our own question is no news. */
  #onPermission() {
    const { state, asking } = this.#state;
    if (!asking && !["subscribing", "waiting"].includes(state)) this.#recheck();
  }

  #retry() {
    if (this.#state.state === "browser-only") this.#wake.abort();
    else if (Notification.permission === "granted") this.#begin((run) => this.#enable(run));
    else this.#recheck();
  }

  /** The server's list may have lost us (410); another tab or the worker may have got on. */
  #onChange(what) {
    const { state } = this.#state;
    if (what === "devices" && state === "subscribed") this.#recheck();
    if (what !== "subscription") return;
    if (state === "browser-only") this.#wake.abort();
    if (state === "subscribed" || state === "default") this.#begin((run) => this.#look(run));
  }

  async #check(run) {
    const hindrance = obstacle();
    if (hindrance) return this.#say(run, { state: hindrance });
    const registration = await register();
    const session = await get("/api/session").catch((problem) => ({ problem }));
    const subscription = await registration.pushManager.getSubscription();
    if (Notification.permission !== "granted" || !subscription) return this.#withoutSubscription(run, session);
    if (session.problem) return this.#look(run);
    await this.#compare(run, registration, subscription, session.subscription);
  }

  /** What the server has and the browser lost is made anew, or the server is told that it is gone. */
  async #withoutSubscription(run, { subscription: known }) {
    await write({ pending: null, known: null });
    if (known && Notification.permission === "granted" && !(await read("off"))) return this.#enable(run);
    if (known) await post("/api/unsubscribe", { endpoint: known.endpoint }).catch(() => null);
    this.#say(run, { state: stateWithout() });
  }

  async #compare(run, registration, subscription, known) {
    const key = await serverKey();
    const died = GONE.includes(known?.last_status) || (!known && (await read("known")) === subscription.endpoint);
    if (died) return this.#renew(run, 0);
    if (keyOf(subscription) !== key) return this.#take(run, await subscribe(registration, key));
    if (known?.endpoint === subscription.endpoint) await write({ pending: null, known: known.endpoint });
    await this.#look(run);
  }

  /** Where things stand by what this browser holds, without asking the server. */
  async #look(run) {
    const registration = await register();
    const subscription = await registration.pushManager.getSubscription();
    if (!subscription) return this.#say(run, { state: stateWithout() });
    const known = !(await read("pending")) && (await read("known")) === subscription.endpoint;
    if (known) this.#say(run, { state: "subscribed", subscription });
    else await this.#take(run, subscription);
  }

  async #enable(run) {
    await write({ off: null });
    if (Notification.permission === "default" && !(await this.#askPermission(run))) return;
    this.#say(run, { state: "subscribing" });
    const slow = setTimeout(() => this.#say(run, { state: "waiting" }), PATIENCE);
    const subscription = await this.#subscribe().finally(() => clearTimeout(slow));
    await this.#take(run, subscription);
  }

  async #subscribe() {
    return subscribe(await register(), await serverKey());
  }

  async #askPermission(run) {
    this.#say(run, { ...this.#state, asking: true });
    report("permission.asked", { step: 2, summary: "requestPermission(), after a click" });
    const answer = await Notification.requestPermission();
    report("permission.answered", { step: 2, summary: `The user answered: ${answer}`, detail: { permission: answer } });
    if (answer === "granted") return true;
    this.#say(run, { state: answer === "denied" ? "denied" : "dismissed" });
    return false;
  }

  /** From here the browser has it: the server gets it, however long that takes. */
  async #take(run, subscription, renewals = 0) {
    this.#say(run, { state: "browser-only", subscription });
    await remember(bodyOf(subscription));
    for (const backoff = new Backoff(); run === this.#run;) {
      const { outcome, problem } = await handOver();
      if (outcome === "known") return this.#say(run, { state: "subscribed", subscription });
      if (outcome === "anew" && renewals < MOST_RENEWALS) return this.#renew(run, renewals + 1);
      if (outcome !== "later") throw problem;
      await this.#pause(run, subscription, problem, backoff.next(problem.retryAfter ?? 0));
    }
  }

  async #renew(run, renewals) {
    await this.#take(run, await renew(await register(), await serverKey()), renewals);
  }

  async #pause(run, subscription, problem, wait) {
    this.#say(run, { state: "browser-only", subscription, error: problem, retryAt: Date.now() + wait });
    const registration = await register();
    registration.sync?.register(SYNC_TAG).catch(() => null);
    this.#wake = new AbortController();
    await rest(wait, this.#wake.signal);
  }

  /** The browser first: that always works. What the server misses of it, it learns from a 410. */
  async #disable(run) {
    const registration = await register();
    const subscription = await registration.pushManager.getSubscription();
    await write({ pending: null, known: null, off: true });
    await subscription?.unsubscribe().catch(() => null);
    if (subscription) await post("/api/unsubscribe", { endpoint: subscription.endpoint }).catch(() => null);
    this.#say(run, { state: "default" });
    announce("subscription");
  }

  #say(run, state) {
    if (run !== this.#run) return;
    this.#state = state;
    document.dispatchEvent(new CustomEvent("push:state", { detail: state }));
  }
}

const stateWithout = () => (Notification.permission === "denied" ? "denied" : "default");
