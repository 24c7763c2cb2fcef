/**
 * Read here is read everywhere: marked in this device's inbox and told to the server until it has
 * heard it, also when that takes a tunnel or a reload.
 */
import { post } from "./api.js";
import { announce } from "./changes.js";

/** As many as POST /api/notifications/read takes. */
const AT_ONCE = 1_000;

/**
 * The server is told before this device has written it down: the click that opens a notification
 * ends its page, perhaps before a database does anything, and only what is under way survives that.
 */
export async function markRead(inbox, ids) {
  const telling = tell(ids).then(() => true, () => false); // not told: the next connection tries again
  await inbox.markRead(ids, new Date().toISOString());
  announce("inbox");
  if (await telling) await inbox.markTold(ids);
}

/** Tell the server what it has not heard yet. Rejects with a Problem when it cannot be told. */
export async function tellRead(inbox) {
  const untold = (await inbox.all()).filter((row) => row.untold).map((row) => row.notification_id);
  await tell(untold);
  await inbox.markTold(untold);
}

async function tell(ids) {
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const some = ids.slice(start, start + AT_ONCE);
    await post("/api/notifications/read", { notification_ids: some }, { keepalive: true });
  }
}
