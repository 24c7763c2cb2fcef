/**
 * Read here is read everywhere: marked in this device's inbox first, and told to the server until it
 * has heard it, also when that takes a tunnel or a reload.
 */
import { post } from "./api.js";
import { announce } from "./changes.js";

/** As many as POST /api/notifications/read takes. */
const AT_ONCE = 1_000;

export async function markRead(inbox, ids) {
  await inbox.markRead(ids, new Date().toISOString());
  announce("inbox");
  await tellRead(inbox).catch(() => null); // the next connection tries again
}

/** Tell the server what it has not heard yet. Rejects with a Problem when it cannot be told. */
export async function tellRead(inbox) {
  const untold = (await inbox.all()).filter((row) => row.untold).map((row) => row.notification_id);
  while (untold.length) {
    const ids = untold.splice(0, AT_ONCE);
    await post("/api/notifications/read", { notification_ids: ids }, { keepalive: true });
    await inbox.markTold(ids);
  }
}
