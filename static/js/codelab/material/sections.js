/**
 * What is behind an event, in sections for a reader: tables, texts, bytes with their parts marked, and
 * plain words where its actor cannot read what it holds. Pure: an event in, sections out.
 *
 * A section: `{ title, note, rows, text, parts, sealed }`, of which it has what it needs: `rows` are
 * pairs of name and value, `parts` see bytes.js, `sealed` says why there is nothing to read.
 */
import { bodyParts, keyParts } from "./bytes.js";

const PUSH_SERVICE_CANNOT =
  "This actor cannot read it. The key that opens it follows from the browser’s private key and its auth secret, and the Push Service has neither.";
const WORKER_CANNOT =
  "This actor never sees the encrypted bytes: the browser decrypts them, with a private key that no script can read, and then wakes the worker.";
const NEVER_SHOWN =
  "It is never shown, sent or logged. It stays in a file that only the App Server can read, and signs there.";
const SECRET =
  "Of the auth secret only the beginning is here: with it and the browser’s private key a message is opened, and it is for the browser and the App Server alone.";

const CALL = "navigator.serviceWorker.ready → pushManager.subscribe(…)";

/** By kind of event, and for some kinds by actor too. */
const SECTIONS = {
  "permission.asked": ({ before }) => [call("Notification.requestPermission()", [["permission before", before]])],
  "permission.answered": ({ permission }) => [table("The user’s answer", { permission })],
  "vapid.key-made": (detail) => [key("Public key", detail.public_key), sealed("Private key", NEVER_SHOWN)],
  "vapid.key-served": (detail) => [request("GET /api/vapid-public-key"), key("Public key, in the answer", detail.public_key)],
  "subscribe.called": (detail) => [
    call(CALL, [["userVisibleOnly", detail.userVisibleOnly], ["replaces", detail.replaces]]),
    key("applicationServerKey: the App Server’s public key", detail.applicationServerKey),
  ],
  "subscribe.done": subscription,
  "subscription.posted": (detail) => [request("POST /api/subscribe"), ...subscription(detail)],
  "subscription.created": (detail) => [
    table("Whose", { browser: detail.browser, channel: detail.channel }),
    key("The key that every sender must sign with from now on", detail.key),
  ],
  "subscription.stored": (detail) => [
    { title: "Answer", rows: rowsOf({ status: detail.status, ...detail.answer }) },
    key("p256dh: the browser’s public key", detail.p256dh),
    { ...sealed("auth", "It is stored too, to encrypt with. The journal does not have it."), title: "auth: the browser’s secret" },
  ],
  "notification.created": created,
  "notification.scheduled": created,
  "send.started": (detail) => [
    { ...request(`${detail.method} ${detail.url}`), rows: rowsOf({ attempt: detail.attempt ?? 1 }) },
    headers(detail.headers),
    ...token(detail.headers),
    body(detail.body),
    { ...plaintext(detail.plaintext), note: "The App Server can read it: it wrote it." },
  ],
  "send.answered": ({ headers: answer, ...detail }) => [table("Answer", detail), headers(answer)],
  "message.accepted": (detail) => [
    { title: "Answer", rows: rowsOf({ status: detail.status, "kept at most (TTL)": detail.ttl && `${detail.ttl} s` }) },
    headers(detail.headers),
    ...token(detail.headers),
    body(detail.ciphertext),
    sealed("Plaintext", PUSH_SERVICE_CANNOT),
  ],
  "message.refused": (detail) => [
    table("Answer", { status: detail.status, why: detail.why, errno: detail.errno }),
    headers(detail.headers),
    ...token(detail.headers),
    body(detail.ciphertext),
    sealed("Plaintext", PUSH_SERVICE_CANNOT),
  ],
  "message.held": (detail) => [
    table("Held", { why: detail.why, until: moment(detail.until) }),
    sealed("Plaintext", PUSH_SERVICE_CANNOT),
  ],
  "message.delivered": (detail) => [table("Handed over", detail), sealed("Plaintext", PUSH_SERVICE_CANNOT)],
  "push.received": (detail) => [
    { ...plaintext(JSON.stringify(detail)), title: "Plaintext: event.data" },
    sealed("Encrypted body", WORKER_CANNOT),
  ],
  "service-worker notification.shown": shown,
  "notification.duplicate": shown,
  "service-worker notification.acknowledged": ({ path }) => [request(`POST ${path ?? "…/shown"}`)],
  "client notification.acknowledged": (detail) => [{ ...plaintext(JSON.stringify(detail)), title: "Frame on the WebSocket" }],
  "notification.received": (detail) => [{ ...plaintext(JSON.stringify(detail)), title: "Frame on the WebSocket" }],
  "node.delivered": ({ plaintext: text, ...detail }) => [
    table("Node", detail),
    { ...plaintext(text), title: "Frame on the WebSocket", note: "The node can read it: the connection is encrypted between browser and server, and ends there." },
  ],
};

/** Everything there is to read about an event. What we do not know is shown as it came. */
export function sectionsOf(event) {
  const detail = event.detail ?? {};
  const name = [`${event.actor} ${event.kind}`, event.kind].find((each) => Object.hasOwn(SECTIONS, each));
  const make = SECTIONS[name] ?? asItCame;
  return [...carefully(make, detail), references(event)].filter(isFull);
}

/** A report may be cut, or a stranger's: then it is shown as it came. */
function carefully(make, detail) {
  try {
    return detail.cut ? asItCame(detail) : make(detail);
  } catch {
    return asItCame(detail);
  }
}

const isFull = ({ rows, text, parts, sealed: why, always }) => Boolean(rows?.length || text || parts?.length || why || always);

const asItCame = (detail) => [table("Material", detail)];
const table = (title, content) => ({ title, rows: rowsOf(content) });
const call = (text, rows) => ({ title: "Call", text, rows: rowsOf(Object.fromEntries(rows)) });
const request = (line) => ({ title: "Request", text: line });
const sealed = (title, why) => ({ title, sealed: why });
const body = (text) => ({ title: "Body, encrypted", parts: text ? bodyParts(text) : [] });
const key = (title, text) => ({ title, parts: text ? keyParts(text) : [] });
const plaintext = (text) => ({ title: "Plaintext", text: text ? pretty(wordOf(text)) : "" });

/** Names of headers as RFCs write them. */
const headers = (given) => ({
  title: "Headers",
  rows: rowsOf(given).map(([name, value]) => [name === "ttl" ? "TTL" : name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()), value]),
});

function subscription({ endpoint, expirationTime, keys }) {
  return [
    { title: "Subscription", rows: rowsOf({ endpoint, expirationTime, "keys.auth": keys?.auth }), note: keys?.auth && SECRET },
    key("keys.p256dh: the browser’s public key", keys?.p256dh),
  ];
}

function created({ data, ttl, urgency, topic, policy, devices, subscriptions, deliver_at: due }) {
  return [
    { ...plaintext(JSON.stringify(data ?? {})), title: "Notification", note: "The App Server can read it: it is its data." },
    table("How it goes out", { ttl: `${ttl} s`, urgency, topic, policy, devices, subscriptions, "waits until": moment(due) }),
  ];
}

function shown({ title, ...options }) {
  return [{ title: "Call", text: `registration.showNotification(${JSON.stringify(title)}, ${JSON.stringify(options, null, 2)})` }];
}

/** The token in `authorization`, opened: `vapid t=<header>.<claims>.<signature>, k=<key>` (RFC 8292). */
function token(given) {
  const found = /t=([\w-]+)\.([\w-]+)\.([\w-]+…?)/.exec(given?.authorization ?? "");
  if (!found) return [];
  const [head, claims] = [decoded(found[1]), decoded(found[2])];
  const ends = moment(claims.exp);
  return [{
    title: "Token (JWT), opened",
    rows: rowsOf({ ...head, ...claims, ...(ends && { exp: `${claims.exp}: ${ends}` }), signature: found[3] }),
    note: "Anybody can read header and claims; only the private key can sign them. The signature is cut short here, for a whole token works until it expires.",
  }];
}

function decoded(segment) {
  const plain = atob(segment.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(plain, (char) => char.charCodeAt(0))));
}

/** What ties it to other events. */
function references(event) {
  return table("Belongs to", {
    notification: event.notification_id,
    device: event.connection_id,
    endpoint: event.endpoint,
    "endpoint’s token": event.token,
    message: event.message_url ?? event.message_id,
  });
}

const isThere = (value) => value !== null && value !== undefined && value !== "";
const wordOf = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function rowsOf(content) {
  return Object.entries(content ?? {}).filter(([, value]) => isThere(value)).map(([name, value]) => [name, wordOf(value)]);
}

/** Seconds since 1970 as a time that everybody reads. */
function moment(seconds) {
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\.\d+Z/, " UTC") : null;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
