/**
 * What the checks of the steps go by. In the lab it is the run's journal; elsewhere none is kept, and
 * the page looks at what browser and App Server hold, now and again while somebody looks at it.
 *
 * Both have `start()`, `onChange(listener)` and `judge(step)`, which answers as checks.js does.
 */
import { get } from "pushlab/shared/api.js";
import { keyOf, serverKey } from "pushlab/shared/push_manager.js";
import { check } from "./checks.js";
import { judge } from "./facts.js";

const AGAIN = 3_000;

export class JournalLook {
  #run;

  /** `run`: see ../run.js. */
  constructor(run) {
    this.#run = run;
  }

  start() {
    this.#run.start();
  }

  onChange(listener) {
    this.#run.onChange(listener);
  }

  judge(step) {
    return check(step, this.#run.events);
  }
}

export class FactsLook {
  #facts = NOTHING;
  #listeners = [];

  start() {
    document.addEventListener("push:state", () => this.#look());
    this.#goOn();
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  judge(step) {
    return judge(step, this.#facts);
  }

  async #goOn() {
    if (!document.hidden) await this.#look();
    setTimeout(() => this.#goOn(), AGAIN);
  }

  /** What cannot be had now stays as it was. */
  async #look() {
    try {
      this.#facts = await find(this.#facts.key);
    } catch {
      return;
    }
    for (const listener of this.#listeners) listener();
  }
}

const NOTHING = { at: 0, key: null, permission: "default", subscription: null, known: null, connectionId: null, newest: null };

/** Facts as facts.js takes them. The key stays what it was at the first look. */
async function find(key) {
  const session = await get("/api/session");
  return {
    at: Date.now() / 1000,
    key: key ?? (await serverKey()),
    permission: window.Notification?.permission ?? "default",
    subscription: await ownSubscription(),
    known: session.subscription,
    connectionId: session.connection_id,
    newest: session.last_seq ? await newestOf(session.last_seq) : null,
  };
}

async function ownSubscription() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager?.getSubscription();
  return subscription ? { endpoint: subscription.endpoint, key: keyOf(subscription) } : null;
}

/** What became of the newest notification; null when it has expired. */
async function newestOf(seq) {
  const { notifications: [newest] } = await get(`/api/notifications?since=${seq - 1}`);
  if (!newest) return null;
  const { devices, created_at: at, data } = await get(`/api/notifications/${newest.notification_id}`);
  return { at: Date.parse(at) / 1000, title: data.title, devices };
}
