/**
 * The subscription changed without the page: the browser ended it (`pushsubscriptionchange`), or it
 * is still to be handed over. Subscribes anew where it can; the page looks again on its next load.
 */
import { read } from "../shared/device.js";
import { handOver, remember, SYNC_TAG } from "../shared/handover.js";
import { report } from "../shared/journal.js";
import { bodyOf, renew, serverKey, subscribe } from "../shared/push_manager.js";

/** Somebody must be signed in: a subscription belongs to a device, not to a browser. */
export async function onChange(event) {
  report("subscription.changed", {
    step: 3,
    summary: "The browser ended the subscription",
    detail: { old: event.oldSubscription?.endpoint ?? null, new: event.newSubscription?.endpoint ?? null },
  });
  if (!(await read("connection_id"))) return;
  await insist(async () => {
    const fresh = event.newSubscription ?? (await subscribe(self.registration, await serverKey()));
    await remember(bodyOf(fresh));
    await deliverPending();
  });
}

/** Background Sync: make what is wanted and not there, then hand over what is pending. */
export async function catchUp() {
  if (await isMissing()) await remember(bodyOf(await subscribe(self.registration, await serverKey())));
  await deliverPending();
}

async function isMissing() {
  const wanted = (await read("wanted")) && (await read("connection_id")) && Notification.permission === "granted";
  return wanted && !(await self.registration.pushManager.getSubscription());
}

/** What fails is tried again by Background Sync, or, where there is none, on the next wake-up or load. */
async function insist(work) {
  try {
    await work();
  } catch (error) {
    await self.registration.sync?.register(SYNC_TAG).catch(() => null);
    throw error;
  }
}

/** Try to hand over what is pending. Rejects when it should be tried again. */
export async function deliverPending() {
  const { outcome, problem } = await handOver();
  if (outcome === "later") throw problem;
  if (outcome === "anew") {
    await remember(bodyOf(await renew(self.registration, await serverKey())));
    await handOver();
  }
}
