/**
 * The subscription changed without the page: the browser ended it (`pushsubscriptionchange`), or it
 * is still to be handed over. Subscribes anew where it can; the page looks again on its next load.
 */
import { read } from "../shared/device.js";
import { handOver, remember } from "../shared/handover.js";
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
  const fresh = event.newSubscription ?? (await subscribe(self.registration, await serverKey()));
  await remember(bodyOf(fresh));
  await deliverPending();
}

/** Try to hand over what is pending. Rejects when it should be tried again: Background Sync asks. */
export async function deliverPending() {
  const { outcome, problem } = await handOver();
  if (outcome === "later") throw problem;
  if (outcome === "anew") {
    await remember(bodyOf(await renew(self.registration, await serverKey())));
    await handOver();
  }
}
