/**
 * Whose screen this is (the rule of the same name): the device facts and the inbox of the signed-in
 * session, and nobody else's. Runs before anything renders.
 */
import { get } from "pushlab/shared/api.js";
import { showBadge } from "pushlab/shared/badge.js";
import { announce } from "pushlab/shared/changes.js";
import { read, write, writeIf } from "pushlab/shared/device.js";
import { deleteOthers, InboxRows } from "pushlab/shared/inbox_rows.js";
import { keepMute } from "pushlab/shared/mute.js";

const NOBODY = { connection_id: null, user: null, pending: null, known: null, wanted: null, muted_until: null };
const LONGEST_LIFE = 28 * 24 * 3600 * 1000;

/** What the server wrote into the page: `user`, `connectionId`, `lab`. */
export const page = document.documentElement.dataset;

let connectionId = null;

/** The inbox of this device, or null while it has no `connection_id`. */
export const inbox = () => (connectionId ? new InboxRows(connectionId) : null);

/** On load: make the stores those of the page's session. */
export async function settle() {
  await write({ lab: page.lab === "true" });
  connectionId = page.connectionId || (await askServer());
  const [held, user] = [await read("connection_id"), await read("user")];
  if (held !== connectionId || user !== page.user) {
    await write({ ...NOBODY, user: page.user, connection_id: connectionId });
    await clearScreen();
  }
  await keepMute(page.mutedUntil);
  await deleteOthers(connectionId);
  await inbox()?.prune(new Date(Date.now() - LONGEST_LIFE).toISOString());
}

/** The server gave this device its `connection_id` (hello, or an answer to another tab). */
export async function adopt(id) {
  if (id === connectionId) return;
  connectionId = id;
  await write({ connection_id: id, user: page.user });
  await deleteOthers(id);
  announce("device");
}

/** Another tab or the worker changed the facts: follow, or leave when the session is another one. */
export async function follow() {
  const [id, user] = [await read("connection_id"), await read("user")];
  if (user !== page.user) return location.reload();
  if (id) await adopt(id);
}

/** A page for nobody: what a former session left goes, unless somebody has just signed in. */
export async function settleNobody() {
  await write({ lab: page.lab === "true" });
  connectionId = await read("connection_id");
  if (connectionId && (await askServer())) return location.reload();
  await forget();
}

/** A page without the server: the inbox is that of whoever was here last. */
export async function recall() {
  connectionId = await read("connection_id");
}

/** Our session is over: nothing of it stays, on no screen. Another session's things are left alone. */
export async function forget() {
  const mine = await writeIf(connectionId, NOBODY);
  if (mine) await Promise.all([deleteOthers(null), clearScreen(), unsubscribe(), showBadge(0)]);
  connectionId = null;
}

/** What the system still shows of a former session goes. */
async function clearScreen() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const shown = (await registration?.getNotifications?.()) ?? [];
  shown.forEach((notification) => notification.close());
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe().catch(() => null);
}

async function askServer() {
  const session = await get("/api/session").catch(() => null);
  return session?.connection_id ?? null;
}
