/**
 * A click on a notification, or on one of its buttons, focuses the window that already shows the
 * right page, else takes one of our windows there, else opens one (W-10).
 */
import { showBadge, unread } from "../shared/badge.js";
import { read } from "../shared/device.js";
import { InboxRows } from "../shared/inbox_rows.js";
import { report } from "../shared/journal.js";
import { markRead } from "../shared/read.js";
import { onThisSite } from "./message.js";

/** Where a notification leads that names no page of ours. */
const HOME = new URL("/", self.location.origin).href;

export async function onClick({ notification, action }) {
  const { notification_id: id, navigate, actions = [] } = notification.data ?? {};
  notification.close();
  const target = new URL(onThisSite(actions[action] ?? navigate, HOME) ?? HOME);
  report("notification.clicked", {
    summary: `A click: go to ${target.pathname}`,
    notificationId: id,
    detail: { navigate: target.href },
  });
  await Promise.all([go(target), id && readInInbox(id)]);
}

async function go(target) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => each.url.split("#")[0] === target.href.split("#")[0]);
  try {
    if (there) await there.focus();
    else if (windows.length) await (await windows[0].navigate(target.href))?.focus();
    else await self.clients.openWindow(target.href);
  } catch (error) {
    // A browser refuses focus and new windows without a real click, and to navigate a window that
    // this worker does not control yet: then a new window is the way.
    if (error.name === "TypeError") await self.clients.openWindow(target.href);
    else console.info("pushlab: the browser did not let the click go through:", error.message);
  }
}

async function readInInbox(id) {
  const connectionId = await read("connection_id");
  if (!connectionId) return;
  const inbox = new InboxRows(connectionId);
  await markRead(inbox, [id]);
  await showBadge(unread(await inbox.all()));
}
