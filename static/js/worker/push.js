/**
 * Step 10 (W-10): a push event becomes something on the screen, always. What cannot be read, or is
 * for somebody else who used this browser, shows a neutral text: browsers take the subscription of a
 * worker that stays silent, and the text of another person is none of ours to show.
 */
import { post } from "../shared/api.js";
import { showBadge, unread } from "../shared/badge.js";
import { read } from "../shared/device.js";
import { handOver } from "../shared/handover.js";
import { InboxRows } from "../shared/inbox_rows.js";
import { report } from "../shared/journal.js";
import { receive } from "../shared/receive.js";
import { readMessage } from "./message.js";
import { present, presentNeutral } from "./screen.js";

export async function onPush(data) {
  const text = data?.text() ?? null;
  const message = readMessage(text, self.location.origin);
  report("push.received", {
    step: 10,
    summary: message ? "The browser decrypted the message and woke the worker" : "A push event without readable content",
    notificationId: message?.row.notification_id,
    detail: message ? JSON.parse(text) : { data: data ? "unreadable" : null },
  });
  await show(message);
  await handOver();
}

/** Should the stores be broken, nobody knows whose screen this is: then the text is nobody's. */
async function show(message) {
  if (!message) return presentNeutral("no readable content");
  const { owner, row } = message;
  const mine = owner === (await read("connection_id").catch(() => null));
  if (mine) await deliver(row, new InboxRows(owner));
  else await presentNeutral("for another session", row.notification_id);
}

/** Should the stores be broken, the message is shown all the same. */
async function deliver(row, inbox) {
  try {
    const ids = await receive([row], inbox, present);
    for (const id of ids) await acknowledge(id);
  } catch (error) {
    console.warn("pushlab: shown without the inbox:", error.message);
    await present(row, "new");
  }
  await showBadge(unread(await inbox.all()));
}

/** A failed acknowledgement is no loss: the server sends again, and the row says "shown". */
async function acknowledge(id) {
  const path = `/api/notifications/${id}/shown`;
  try {
    await post(path);
    report("notification.acknowledged", { step: 10, summary: "Shown: POST …/shown", notificationId: id, detail: { path } });
  } catch {
    return;
  }
}
