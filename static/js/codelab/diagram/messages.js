/**
 * How an event of the journal is drawn: from which lifeline to which, with what words, which key is
 * in it, and which one is used but stays where it is. A message is drawn by whoever sends it, and who
 * receives it adds a note on its own lifeline; but for the push event, which only its receiver tells of
 * when the push service is a vendor's. Pure: no imports, no browser.
 */
export const ACTORS = ["client", "app-server", "node", "push-service", "service-worker"];
export const NAMES = {
  "client": "Client",
  "app-server": "App Server",
  "node": "PNS node",
  "push-service": "Push Service",
  "service-worker": "Service Worker",
};

const [C, A, N, P, W] = ACTORS;
const arrow = (from, to, label, key = null, stays = null) => ({ from, to, label, key, stays });
const note = (at, label, key = null) => ({ from: at, to: at, label, key });

const MESSAGES = {
  [C]: {
    "permission.asked": note(C, "requestPermission()"),
    "permission.answered": note(C, "permission answered"),
    "permission.found": note(C, "allowed before"),
    "vapid.key-received": note(C, "has the key", "public"),
    "subscribe.called": arrow(C, P, "subscribe(vapidPublicKey)", "public"),
    "subscribe.done": arrow(P, C, "subscription"),
    "subscribe.failed": arrow(P, C, "subscribe failed"),
    "subscription.posted": arrow(C, A, "POST /api/subscribe (subscription)"),
    "notification.received": note(C, "received"),
    "notification.shown": note(C, "shown in the page"),
    "notification.acknowledged": arrow(C, N, "ack"),
    "fault.reached": note(C, "stopped here"),
  },
  [A]: {
    "vapid.key-made": note(A, "key pair made", "private"),
    "vapid.key-served": arrow(A, C, "vapidPublicKey", "public"),
    "subscription.stored": note(A, "subscription stored"),
    "lab-device.stored": note(A, "lab device stored"),
    "lab-device.acknowledged": arrow(C, A, "POST …/shown (lab device)"),
    "subscription.removed": note(A, "subscription removed"),
    "notification.created": note(A, "an event: notification created"),
    "notification.scheduled": note(A, "waits for its time"),
    "send.started": arrow(A, P, "sendNotification(payload, privateKey)", "public", "private"),
    "send.answered": arrow(P, A, "answer"),
    "send.retry": note(A, "will send again"),
    "send.paused": note(A, "push service left alone"),
    "send.expired": note(A, "given up: out of time"),
  },
  [N]: {
    "node.delivered": arrow(N, C, "notification (WebSocket)"),
    "node.acknowledged": note(N, "pending row removed"),
  },
  [P]: {
    "user_agent.connected": note(P, "browser connected"),
    "user_agent.disconnected": note(P, "browser gone"),
    "device.checked_in": note(P, "browser checked in"),
    "subscription.created": note(P, "key checked, endpoint made", "public"),
    "subscription.refused": note(P, "subscription refused"),
    "subscription.ended": note(P, "subscription ended"),
    "message.accepted": note(P, "signature checked, stored", "public"),
    "message.refused": note(P, "message refused"),
    "message.held": note(P, "held: browser offline"),
    "message.delivered": note(P, "handed to the browser"),
    "message.acknowledged": arrow(W, P, "ack (browser)"),
    "message.nacked": arrow(W, P, "nack (browser)"),
    "message.replaced": note(P, "replaced by topic"),
    "message.expired": note(P, "expired"),
    "message.dropped": note(P, "connection dropped: no answer"),
    "message.cancelled": note(P, "cancelled"),
  },
  [W]: {
    "push.received": arrow(P, W, "push event"),
    "notification.shown": note(W, "showNotification()"),
    "notification.left-to-page": note(W, "no showNotification(): a page in sight shows it"),
    "notification.neutral": note(W, "neutral text shown"),
    "notification.duplicate": note(W, "shown again, silently"),
    "notification.superseded": note(W, "a newer one is on the screen"),
    "notification.clicked": note(W, "clicked"),
    "notification.acknowledged": arrow(W, A, "POST …/shown"),
    "subscription.changed": note(W, "pushsubscriptionchange"),
    "fault.reached": note(W, "stopped here"),
    "subscribe.called": arrow(W, P, "subscribe(vapidPublicKey)", "public"),
    "subscribe.done": arrow(P, W, "subscription"),
    "subscribe.failed": arrow(P, W, "subscribe failed"),
    "subscription.posted": arrow(W, A, "POST /api/subscribe (subscription)"),
  },
};

/** `{ from, to, label, key, stays, bad }` for an event. One that we do not know is a note that names itself. */
export function messageOf(event) {
  const { actor } = event;
  const own = ACTORS.includes(actor) && Object.hasOwn(MESSAGES[actor], event.kind);
  const known = own ? MESSAGES[actor][event.kind] : note(ACTORS.includes(actor) ? actor : A, event.kind);
  return { ...known, ...answerOf(event), bad: isBad(event) };
}

/** The status is the point of an answer; and a lab device is a page, with no worker behind it. */
function answerOf({ kind, detail }) {
  if (kind === "message.acknowledged" && detail?.code === "lab") return arrow(C, P, "ack (lab device)");
  if (kind === "send.answered" && Number.isFinite(detail?.status)) return { label: `${detail.status}` };
  if (kind === "permission.answered" && typeof detail?.permission === "string") return { label: detail.permission };
  return {};
}

function isBad({ kind, detail }) {
  return /failed|refused|nacked|expired|retry|reached/.test(kind) || (Number.isFinite(detail?.status) && detail.status >= 400);
}

/**
 * The messages of the master diagram (W-11), in its order: what a run is expected to bring. Each is
 * drawn as the event that fills it would be; `fits` names those events.
 */
export const EXPECTED = [
  expected("permission", 2, C, "permission.asked", ["client permission.asked"]),
  expected("subscribe", 3, C, "subscribe.called", ["client subscribe.called", "service-worker subscribe.called"]),
  expected("post", 5, C, "subscription.posted", ["client subscription.posted", "service-worker subscription.posted"]),
  expected("send", 8, A, "send.started", ["app-server send.started"]),
  expected("push", 10, W, "push.received", ["service-worker push.received"]),
  expected("show", 10, W, "notification.shown", ["service-worker notification.shown", "service-worker notification.left-to-page"]),
];

function expected(name, step, actor, kind, fits) {
  return { name, step, fits, ...MESSAGES[actor][kind], bad: false };
}
