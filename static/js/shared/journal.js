/**
 * Reports what this actor did to the App Server's journal, in lab mode only. The kinds are those of
 * the codelab's diagram. A report that does not get through goes out with the next one.
 */
import { post } from "./api.js";
import { read } from "./device.js";

export const ACTOR = globalThis.document ? "client" : "service-worker";

/** What POST /api/journal takes at once, and of one event. */
const LIMIT = 50;
const LONGEST = 500;
const LARGEST = 8_000;
let waiting = [];
let sending = null;
const underWay = new Set();

/** Fire and forget; the promise resolves when the report was tried. Never rejects. */
export function report(kind, { step = null, summary = "", notificationId = null, detail = {} } = {}) {
  const event = {
    actor: ACTOR,
    kind,
    step,
    at: Date.now() / 1000,
    summary: summary.slice(0, LONGEST),
    notification_id: notificationId,
    detail: JSON.stringify(detail).length > LARGEST ? { cut: true } : detail,
  };
  const work = queue(event).finally(() => underWay.delete(work));
  underWay.add(work);
  return work;
}

/** A subscription as JSON, for a report: `auth` is a secret of browser and App Server, and the journal
 *  is neither. */
export const withoutSecret = (subscription) => ({
  ...subscription,
  keys: { ...subscription.keys, auth: `${subscription.keys.auth.slice(0, 4)}…` },
});

/** When every report so far was tried: a worker lives no longer than what it waits for. */
export const settled = () => Promise.all(underWay);

/** At once, so that events are told in their order: what is read may come in another one. */
async function queue(event) {
  waiting.push(event);
  sending ??= flush();
  await sending;
}

async function flush() {
  try {
    if (!(await read("lab"))) waiting = [];
    while (waiting.length) {
      const events = waiting.slice(0, LIMIT);
      await post("/api/journal", { events }, { keepalive: true });
      waiting = waiting.slice(events.length);
    }
  } catch (problem) {
    waiting = problem.passing ? waiting.slice(-LIMIT) : [];
  } finally {
    sending = null;
  }
}
