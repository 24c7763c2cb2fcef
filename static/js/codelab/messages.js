/**
 * How an event of the journal is drawn: from which lifeline to which, with what words, which key is
 * in it, and which one is used but stays where it is. A message is drawn by whoever sends it; who
 * receives it adds a note on its own lifeline.
 */
export const ACTORS = ["client", "app-server", "push-service", "service-worker"];
export const NAMES = {
  "client": "Client",
  "app-server": "App Server",
  "push-service": "Push Service",
  "service-worker": "Service Worker",
};

const [C, A, P, W] = ACTORS;
const arrow = (from, to, label, key = null, stays = null) => ({ from, to, label, key, stays });
const note = (at, label, key = null) => ({ from: at, to: at, label, key });

const MESSAGES = {
  [C]: {
    "permission.asked": note(C, "requestPermission()"),
    "permission.answered": note(C, "permission answered"),
    "subscribe.called": arrow(C, P, "subscribe(vapidPublicKey)", "public"),
    "subscribe.done": arrow(P, C, "subscription"),
    "subscribe.failed": arrow(P, C, "subscribe failed"),
    "subscription.posted": arrow(C, A, "POST /api/subscribe"),
    "notification.received": note(C, "received"),
    "notification.shown": note(C, "shown in the page"),
    "notification.acknowledged": arrow(C, A, "ack"),
    "fault.reached": note(C, "stopped here"),
  },
  [A]: {
    "vapid.key-made": note(A, "key pair made", "private"),
    "vapid.key-served": arrow(A, C, "vapidPublicKey", "public"),
    "subscription.stored": note(A, "subscription stored"),
    "subscription.removed": note(A, "subscription removed"),
    "notification.created": note(A, "an event: notification created"),
    "notification.scheduled": note(A, "waits for its time"),
    "send.started": arrow(A, P, "sendNotification(payload, privateKey)", "public", "private"),
    "send.answered": arrow(P, A, "answer"),
    "send.retry": note(A, "will send again"),
    "send.paused": note(A, "push service left alone"),
    "send.expired": note(A, "given up: out of time"),
    "node.delivered": arrow(A, C, "notification (WebSocket)"),
    "node.acknowledged": note(A, "pending row removed"),
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
    "message.delivered": arrow(P, W, "push message"),
    "message.acknowledged": arrow(W, P, "ack (browser)"),
    "message.nacked": arrow(W, P, "nack (browser)"),
    "message.replaced": note(P, "replaced by topic"),
    "message.expired": note(P, "expired"),
    "message.cancelled": note(P, "cancelled"),
  },
  [W]: {
    "push.received": note(W, "push event"),
    "notification.shown": note(W, "showNotification()"),
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
    "subscription.posted": arrow(W, A, "POST /api/subscribe"),
  },
};

/** `{ from, to, label, key, stays, bad }` for an event. One that we do not know is a note that names itself. */
export function messageOf(event) {
  const actor = event.actor === "node" ? A : event.actor;
  const known = MESSAGES[actor]?.[event.kind] ?? note(ACTORS.includes(actor) ? actor : A, event.kind);
  return { ...known, ...answerOf(event), bad: isBad(event) };
}

/** The status is the point of an answer. */
function answerOf({ kind, detail }) {
  if (kind === "send.answered" && detail?.status) return { label: `${detail.status}` };
  if (kind === "permission.answered" && detail?.permission) return { label: detail.permission };
  return {};
}

function isBad({ kind, detail }) {
  return /failed|refused|nacked|expired|retry|reached/.test(kind) || (detail?.status ?? 0) >= 400;
}
