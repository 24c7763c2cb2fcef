/**
 * The browser's side of a subscription (W-3, W-4): subscribe with the server's key, replace a
 * subscription that was made with another one. Used by the page, and by the worker when the browser
 * tells it that the subscription changed.
 */
import { get } from "./api.js";
import { report, withoutSecret } from "./journal.js";
import { fromBase64url, toBase64url } from "./keys.js";

export async function serverKey() {
  return (await get("/api/vapid-public-key")).public_key;
}

/** Both browsers refuse a second key with InvalidStateError: the old subscription goes first. */
export async function subscribe(registration, key) {
  const old = await registration.pushManager.getSubscription();
  if (old && keyOf(old) !== key) await old.unsubscribe();
  report("subscribe.called", {
    step: 3,
    summary: "subscribe() with the server's public key",
    detail: { applicationServerKey: key, userVisibleOnly: true, replaces: old ? old.endpoint : null },
  });
  try {
    return done(await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: fromBase64url(key),
    }));
  } catch (error) {
    report("subscribe.failed", { step: 3, summary: error.message, detail: { error: error.name } });
    throw error;
  }
}

/** Unsubscribe and subscribe anew: for an endpoint that is dead, or that belongs to somebody else. */
export async function renew(registration, key) {
  const old = await registration.pushManager.getSubscription();
  await old?.unsubscribe();
  return subscribe(registration, key);
}

/** The server's public key that a subscription was made with; null where the browser hides it. */
export function keyOf(subscription) {
  const key = subscription.options?.applicationServerKey;
  return key ? toBase64url(key) : null;
}

/** What POST /api/subscribe takes. */
export const bodyOf = (subscription) => ({ ...subscription.toJSON(), applicationServerKey: keyOf(subscription) });

function done(subscription) {
  report("subscribe.done", {
    step: 4,
    summary: "The push service made an endpoint",
    detail: withoutSecret(subscription.toJSON()),
  });
  return subscription;
}
