/**
 * The screen of this device, seen from the worker: a visible page of ours shows in the page;
 * otherwise the system shows it, under its own tag or else its id, so that showing twice replaces.
 */
import { report } from "../shared/journal.js";
import { isMuted } from "../shared/mute.js";

const PATIENCE = 1_000;
const ICON = "/static/icons/icon-192.png";
const BADGE = "/static/icons/badge-96.png";
const NEUTRAL_TAG = "pushlab-neutral";

/** Show one row. `before` as in receive.js; one that was shown before comes back without a sound. */
export async function present(row, before) {
  const quiet = before === "shown" || (await isMuted());
  if (await shownInPage(row, quiet ? "shown" : before)) return tell("notification.left-to-page", row, "A page of ours is in sight, and shows it");
  if (await isSuperseded(row)) return tell("notification.superseded", row, "A newer one of its tag is on the screen");
  const options = optionsOf(row, quiet);
  await self.registration.showNotification(row.data.title, options);
  const { title } = row.data;
  tell(before === "shown" ? "notification.duplicate" : "notification.shown", row, `showNotification(“${title}”)`, options);
}

/** Messages may overtake each other; under one tag the newest stays on the screen. */
async function isSuperseded({ seq, data: { tag } }) {
  const shown = tag ? await self.registration.getNotifications({ tag }) : [];
  return shown.some(({ data }) => data?.seq > seq);
}

/** `silent` and `renotify` exclude each other for nobody but common sense: silent wins. */
function optionsOf({ notification_id: id, seq, created_at: at, data }, quiet) {
  const { body, navigate, tag = id, icon = ICON, badge = BADGE, image, actions = [] } = data;
  const silent = quiet || Boolean(data.silent);
  return {
    body,
    tag,
    icon,
    badge,
    silent,
    renotify: Boolean(data.renotify) && !silent,
    ...(image && { image }),
    actions: actions.map(({ title }, place) => ({ action: String(place), title })),
    timestamp: Date.parse(at) || Date.now(),
    data: { notification_id: id, seq, navigate, actions: actions.map((each) => each.navigate) },
  };
}

/** What is shown instead of a text that this device must not or cannot show. */
export async function presentNeutral(why, notificationId = null) {
  await self.registration.showNotification("pushlab", {
    body: "Something arrived for this browser. Open pushlab to look.",
    tag: NEUTRAL_TAG,
    silent: await isMuted(),
    icon: ICON,
    badge: BADGE,
    data: { notification_id: null, navigate: "/" },
  });
  report("notification.neutral", { step: 10, summary: `A neutral text: ${why}`, notificationId });
}

/** Ask the visible pages one after the other; the first that takes it has it. */
async function shownInPage(row, before) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages.filter((each) => each.visibilityState === "visible")) {
    if (await ask(page, { type: "present", row, before })) return true;
  }
  return false;
}

function ask(page, question) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    page.postMessage(question, [port2]);
    setTimeout(() => resolve(false), PATIENCE);
  });
}

const tell = (kind, row, summary, options = {}) =>
  report(kind, {
    step: 10,
    summary,
    notificationId: row.notification_id,
    detail: { title: row.data.title, body: row.data.body, tag: row.data.tag ?? row.notification_id, ...options },
  });
