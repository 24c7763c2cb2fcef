/**
 * Hands a subscription over to the App Server (W-5): it stays in `pushlab-device` as `pending` until
 * the server has confirmed it, so a failed POST survives a reload, and whoever wakes first (page,
 * worker, Background Sync) tries again.
 */
import { post } from "./api.js";
import { announce } from "./changes.js";
import { read, update, write } from "./device.js";
import { report, withoutSecret } from "./journal.js";

export const SYNC_TAG = "hand-over-subscription";

const ANEW = new Set(["endpoint-of-another-session", "vapid-key-unknown"]);

/** Keep `body` (see push_manager.js) until the server has it. */
export async function remember(body) {
  await write({ pending: body });
  announce("subscription");
}

/**
 * Try once. Resolves with `{ outcome, problem }`:
 * "known" (nothing left to do), "later" (try again), "anew" (the browser must subscribe anew),
 * "refused" (trying again will not help).
 */
export async function handOver() {
  const body = await read("pending");
  if (!body) return { outcome: "known", problem: null };
  tell(body);
  try {
    const answer = await post("/api/subscribe", body);
    await confirm(body, answer.connection_id);
    return { outcome: "known", problem: null };
  } catch (problem) {
    return { outcome: outcomeOf(problem), problem };
  }
}

function outcomeOf(problem) {
  if (ANEW.has(problem.code) || problem.status === 410) return "anew";
  return problem.passing ? "later" : "refused";
}

async function confirm(body, connectionId) {
  await update("pending", (now) => (now?.endpoint === body.endpoint ? null : now));
  await write({ known: body.endpoint, connection_id: connectionId });
  announce("device");
  announce("subscription");
}

const tell = (body) =>
  report("subscription.posted", {
    step: 5,
    summary: "POST /api/subscribe with the subscription",
    detail: withoutSecret(body),
  });
