/**
 * This browser's subscription, from "may we?" to "the server has it" (W-2 … W-5). Its states and ways
 * are drawn in states.js; here is what is done on them.
 *
 * In: the DOM events `push:enable` (a click), `push:disable`, `push:retry`, `push:anew`. Out: `push:state` with
 * `{ state, ...what the card shows }`; also when nothing but the detail changed.
 * On every load, and when the server hints at it, everything is looked at afresh (failure no. 8: no
 * event tells a page that its subscription died). The reader's wish is kept as the fact `wanted`, so
 * that a reload does not lose it: whoever comes next, page or worker, goes on.
 */
import { Backoff, rest } from "pushlab/pns/backoff.js";
import { get, post } from "pushlab/shared/api.js";
import { announce } from "pushlab/shared/changes.js";
import { read, write } from "pushlab/shared/device.js";
import { handOver, remember, SYNC_TAG } from "pushlab/shared/handover.js";
import { report } from "pushlab/shared/journal.js";
import { bodyOf, keyOf, renew, serverKey, subscribe } from "pushlab/shared/push_manager.js";
import { register } from "pushlab/worker_link.js";
import { absence, obstacle } from "./environment.js";
import { eventOf } from "./refusals.js";
import { next } from "./states.js";

/** Chromium's subscribe() stays pending for minutes while its push service cannot be reached. */
const PATIENCE = 20_000;
const GONE = [404, 410];
const MOST_RENEWALS = 2;
/** States in which subscribe() is under way, the first two with a reason of their own. */
const SUBSCRIBING = ["gone", "other-key", "subscribing", "waiting"];
/** States in which the next try can be had at once. */
const RESTING = ["browser-only", "unreachable"];

export class Subscription {
  #state = "checking";
  #run = 0;
  #wake = new AbortController();

  start() {
    document.addEventListener("push:enable", () => this.#begin((run) => this.#enable(run)));
    document.addEventListener("push:disable", () => this.#begin((run) => this.#disable(run)));
    document.addEventListener("push:retry", () => this.#retry());
    document.addEventListener("push:anew", () => this.#begin((run) => this.#anew(run)));
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
      this.#fail(run, error);
    }
  }

  /** Answers to subscribe() have a state of their own; all else is broken. */
  #fail(run, error) {
    const answer = SUBSCRIBING.includes(this.#state) && error.status === undefined;
    const event = answer ? eventOf(error, Notification.permission) : "broken";
    this.#go(run, event === "foreign-key" ? "broken" : event, { error }); // healing was tried
  }

  #recheck() {
    return this.#begin((run) => this.#check(run));
  }

  /** While we ask or subscribe ourselves, the answer to our own question is no news. */
  #onPermission() {
    if (this.#state !== "asking" && !SUBSCRIBING.includes(this.#state)) this.#recheck();
  }

  #retry() {
    if (RESTING.includes(this.#state)) this.#wake.abort();
    else if (Notification.permission === "granted") this.#begin((run) => this.#enable(run));
    else this.#recheck();
  }

  /** The server's list may have lost us (410); another tab or the worker may have got on. */
  #onChange(what) {
    if (what === "devices" && this.#state === "subscribed") this.#recheck();
    if (what !== "subscription") return;
    if (this.#state === "browser-only") this.#wake.abort();
    if (this.#state === "subscribed" || this.#state === "default") this.#begin((run) => this.#look(run));
  }

  async #check(run) {
    const hindrance = obstacle();
    if (hindrance) return this.#go(run, hindrance);
    const registration = await register();
    const session = await get("/api/session").catch((problem) => ({ problem }));
    const subscription = await registration.pushManager.getSubscription();
    if (Notification.permission !== "granted") return this.#withoutPermission(run, session, subscription);
    if (!subscription) return this.#withoutSubscription(run, session);
    if (session.problem) return this.#look(run);
    await this.#compare(run, subscription, session.subscription);
  }

  /** Browsers end a subscription with its permission, sooner or later; the server is told at once. */
  async #withoutPermission(run, { subscription: known }, subscription) {
    const endpoint = known?.endpoint ?? (await read("known"));
    await write({ pending: null, known: null });
    subscription?.unsubscribe().catch(() => null);
    if (known) await post("/api/unsubscribe", { endpoint }).catch(() => null);
    this.#go(run, endpoint ? "taken-back" : absence());
  }

  /** What was wanted is made, and what the server has and the browser lost is made anew. */
  async #withoutSubscription(run, { subscription: known }) {
    const wanted = await read("wanted");
    await write({ pending: null, known: null });
    if (known && wanted !== false) return this.#heal(run, "died");
    if (known) await post("/api/unsubscribe", { endpoint: known.endpoint }).catch(() => null);
    if (!wanted) return this.#go(run, "off");
    this.#go(run, "wished");
    await this.#subscribe(run);
  }

  async #compare(run, subscription, known) {
    const [key, own] = [await serverKey(), keyOf(subscription)];
    const died = GONE.includes(known?.last_status) || (!known && (await read("known")) === subscription.endpoint);
    if (died) return this.#heal(run, "died");
    if (own && own !== key) return this.#heal(run, "foreign-key");
    if (known?.endpoint === subscription.endpoint) await write({ pending: null, known: known.endpoint });
    await this.#look(run);
  }

  /** Where things stand by what this browser holds, without asking the server. */
  async #look(run) {
    const registration = await register();
    const subscription = await registration.pushManager.getSubscription();
    if (!subscription) return this.#go(run, absence());
    const known = !(await read("pending")) && (await read("known")) === subscription.endpoint;
    if (known) return this.#go(run, "confirmed", { subscription });
    this.#go(run, "unconfirmed", { subscription });
    await this.#handOver(run, subscription);
  }

  async #enable(run) {
    await write({ wanted: true });
    if (!(await this.#isAllowed(run))) return;
    await this.#subscribe(run);
  }

  /** Whoever has said yes before is not asked again. */
  async #isAllowed(run) {
    if (Notification.permission !== "granted") return this.#askPermission(run);
    report("permission.found", { step: 2, summary: "Allowed before: nobody is asked", detail: { permission: "granted" } });
    return true;
  }

  async #askPermission(run) {
    this.#go(run, "ask");
    report("permission.asked", { step: 2, summary: "requestPermission(), after a click", detail: { before: Notification.permission } });
    const answer = await Notification.requestPermission();
    report("permission.answered", { step: 2, summary: `The user answered: ${answer}`, detail: { permission: answer } });
    this.#go(run, { granted: "yes", denied: "no" }[answer] ?? "closed");
    return answer === "granted" && run === this.#run;
  }

  async #subscribe(run, how = subscribe, renewals = 0) {
    this.#goOn(run);
    const [registration, key] = [await register(), await serverKey()];
    const subscription = await this.#insist(run, (manner) => manner(registration, key), how);
    this.#go(run, "endpoint", { subscription });
    await this.#handOver(run, subscription, renewals);
  }

  /** Until the browser has an answer that counts: a push service may be away for a while. */
  async #insist(run, attempt, how) {
    for (const backoff = new Backoff(); ;) {
      try {
        return await this.#patiently(run, () => attempt(how));
      } catch (error) {
        const event = eventOf(error, Notification.permission);
        const healable = event === "foreign-key" && how !== renew;
        if (run !== this.#run || !(healable || event === "unreachable")) throw error;
        if (healable) this.#go(run, event, { error });
        else await this.#pause(run, event, { error }, backoff.next());
        how = healable ? renew : how;
      }
    }
  }

  /** What comes after all, however late, is taken. */
  async #patiently(run, attempt) {
    this.#goOn(run);
    const slow = setTimeout(() => this.#go(run, "slow"), PATIENCE);
    return attempt().finally(() => clearTimeout(slow));
  }

  /** From here the browser has it: the server gets it, however long that takes. */
  async #handOver(run, subscription, renewals = 0) {
    await remember(bodyOf(subscription));
    for (const backoff = new Backoff(); run === this.#run;) {
      const { outcome, problem } = await handOver();
      if (outcome === "known") return this.#go(run, "confirmed", { subscription });
      const anew = outcome === "anew" && renewals < MOST_RENEWALS;
      if (anew) return this.#heal(run, problem.code === "vapid-key-unknown" ? "foreign-key" : "died", renewals + 1);
      if (outcome !== "later") throw problem;
      askWorkerToo();
      await this.#pause(run, "unconfirmed", { subscription, error: problem }, backoff.next(problem.retryAfter ?? 0));
    }
  }

  async #heal(run, event, renewals = 0) {
    this.#go(run, event);
    await this.#subscribe(run, renew, renewals);
  }

  async #pause(run, event, detail, wait) {
    this.#go(run, event, { ...detail, retryAt: Date.now() + wait });
    this.#wake = new AbortController();
    await rest(wait, this.#wake.signal);
  }

  async #disable(run) {
    await this.#unsubscribe(false);
    this.#go(run, "off");
    announce("subscription");
  }

  /** Off and on again, as one wish: whoever learns sees it all once more. */
  async #anew(run) {
    if (!(await this.#isAllowed(run))) return;
    await this.#unsubscribe(true);
    this.#go(run, "wished");
    await this.#subscribe(run);
  }

  /** The browser first: that always works. What the server misses of it, it learns from a 410. */
  async #unsubscribe(wanted) {
    const registration = await register();
    const subscription = await registration.pushManager.getSubscription();
    await write({ pending: null, known: null, wanted });
    await subscription?.unsubscribe().catch(() => null);
    if (subscription) await post("/api/unsubscribe", { endpoint: subscription.endpoint }).catch(() => null);
  }

  /** What is healed says why it subscribes. */
  #goOn(run) {
    const said = SUBSCRIBING.slice(0, 2).includes(this.#state);
    if (!said) this.#go(run, "subscribe");
  }

  #go(run, event, detail = {}) {
    if (run !== this.#run) return;
    this.#state = next(this.#state, event);
    document.dispatchEvent(new CustomEvent("push:state", { detail: { state: this.#state, ...detail } }));
  }
}

/** Where there is Background Sync the worker goes on when every page is closed. */
async function askWorkerToo() {
  const registration = await register();
  registration.sync?.register(SYNC_TAG).catch(() => null);
}
