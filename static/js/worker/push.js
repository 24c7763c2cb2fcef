/**
 * Step 10 (W-10): a push event becomes something on the screen, always. What cannot be read, or is
 * for somebody else who used this browser, shows a neutral text: browsers take the subscription of a
 * worker that stays silent, and the text of another person is none of ours to show.
 */
import { post } from "../shared/api.js";
import { showBadge } from "../shared/badge.js";
import { read } from "../shared/device.js";
import { handOver } from "../shared/handover.js";
import { InboxRows } from "../shared/inbox_rows.js";
import { report } from "../shared/journal.js";
import { receive } from "../shared/receive.js";
import { present, presentNeutral } from "./screen.js";

export async function onPush(data) {
  const message = parse(data);
  const { connection_id: owner, notification_id: id } = message?.pushlab ?? {};
  report("push.received", {
    step: 10,
    summary: message ? "The browser decrypted the message and woke the worker" : "A push event without readable content",
    notificationId: id,
    detail: message ?? { data: data ? "unreadable" : null },
  });
  if (!message) await presentNeutral("no readable content");
  else if (owner !== (await read("connection_id"))) await presentNeutral("for another session", id);
  else await deliver(rowOf(message), new InboxRows(owner));
  await handOver();
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
  await showBadge(inbox);
}

/** A failed acknowledgement is no loss: the server sends again, and the row says "shown". */
async function acknowledge(id) {
  try {
    await post(`/api/notifications/${id}/shown`);
    report("notification.acknowledged", { step: 10, summary: "Shown: POST …/shown", notificationId: id });
  } catch {
    return;
  }
}

/** The message, or null when it is not one of ours. */
function parse(data) {
  try {
    const message = data.json();
    const whole = message.pushlab.notification_id && typeof message.notification.title === "string";
    return whole ? message : null;
  } catch {
    return null;
  }
}

/** The same row as the WebSocket and the list bring. `navigate` travels as an absolute URL. */
function rowOf({ notification, pushlab }) {
  const { title, body = "", navigate = "/", tag, icon } = notification;
  return {
    notification_id: pushlab.notification_id,
    seq: pushlab.seq,
    created_at: pushlab.created_at,
    cut: pushlab.cut ?? false,
    data: { title, body, navigate, tag, icon, ...(pushlab.from && { from: pushlab.from }) },
  };
}
