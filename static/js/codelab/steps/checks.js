/**
 * Whether a step of this run really happened: a pure function of the run's events (see run.js). What
 * counts is what the actor says that *received* something, where there is one: the Push Service for
 * steps 4 and 9, the Service Worker for step 10. No clock and no click is looked at. No imports.
 *
 * `check(step, events)` is `{ done, evidence, because }`: `evidence` is a list of
 * `{ event, says, fact }`, `because` a sentence: what is missing, or how good the evidence is.
 * Into the Push Service of a browser's maker nobody can look: what it told others has to do then.
 */
const [C, A, P, W] = ["client", "app-server", "push-service", "service-worker"];

export const STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

export function check(step, events) {
  return CHECKS[step]([...events].sort((one, other) => one.at - other.at));
}

const CHECKS = { 1: keys, 2: permission, 3: subscribed, 4: endpoint, 5: handedOver, 6: stored, 7: happened, 8: sent, 9: accepted, 10: shown };

/** The page has the key that the server gave away. */
function keys(run) {
  const gifts = all(run, A, "vapid.key-served");
  const giftOf = ({ key, event }) => {
    const same = gifts.filter(({ detail }) => detail.public_key === key);
    return same.findLast(({ at }) => at <= event.at) ?? same[0];
  };
  const arrived = receipts(run).findLast(giftOf);
  if (!gifts.length) return open("The page has not asked for the key yet.");
  if (!arrived) return open("The server has given its key away, but no page says that it has it.");
  const made = all(run, A, "vapid.key-made").findLast(({ detail }) => detail.public_key === arrived.key);
  return done([
    made && told(made, "made the pair, and keeps the private half", `id ${made.detail.vapid_key_id}`),
    told(giftOf(arrived), "gave its public key to the page"),
    told(arrived.event, "has the same key", arrived.key),
  ]);
}

function permission(run) {
  const answers = all(run, C, "permission.answered", "permission.found").filter(({ detail }) => isText(detail.permission));
  const yes = answers.findLast(({ detail }) => detail.permission === "granted");
  if (!yes && !answers.length) return open("Nobody has asked you in this run.");
  if (!yes) return open(`The answer was “${answers.at(-1).detail.permission}”. The card tells how to go on.`);
  const asked = all(run, C, "permission.asked").findLast(({ at }) => at <= yes.at);
  const found = yes.kind === "permission.found";
  return done([
    asked && told(asked, "asked, after a click"),
    told(yes, found ? "found that you have allowed it before" : "was told your answer", yes.detail.permission),
  ]);
}

/** With the key that the server gave, and the browser did not refuse. */
function subscribed(run) {
  const calls = all(run, [C, W], "subscribe.called");
  const given = new Set(all(run, A, "vapid.key-served").map(({ detail }) => detail.public_key));
  const mine = calls.filter(({ detail }) => given.has(detail.applicationServerKey));
  const good = mine.findLast((call) => answerTo(run, call)?.kind !== "subscribe.failed");
  if (good) return done([told(good, "called subscribe() with the key that the server gave", good.detail.applicationServerKey)]);
  if (mine.length) return open(`The browser refused: ${answerTo(run, mine.at(-1)).summary}`);
  if (calls.length) return open("subscribe() was called with a key that the server did not give.");
  return open("Nobody has called subscribe() in this run.");
}

/** For the key of step 3, and at the address that the browser got. */
function endpoint(run) {
  const answers = all(run, [C, W], "subscribe.done");
  const abroad = answers.findLast(({ detail }) => isAbroad(detail.endpoint));
  if (abroad) return done([told(abroad, "got an endpoint from the Push Service", abroad.detail.endpoint)], SECOND_HAND);
  const keysUsed = new Set(all(run, [C, W], "subscribe.called").map(({ detail }) => detail.applicationServerKey));
  const tokens = new Map(answers.map((event) => [tokenOf(event.detail.endpoint), event]));
  const made = all(run, P, "subscription.created").findLast(({ token, detail }) => keysUsed.has(detail.key) && tokens.has(token));
  if (made) {
    const got = tokens.get(made.token);
    return done([told(made, "found the key good, and made an address", made.token), told(got, "got that very address", got.detail.endpoint)]);
  }
  const refused = all(run, P, "subscription.refused").at(-1);
  if (refused) return open(refused.summary);
  if (answers.length) return open("The browser has an endpoint, but the Push Service has not told of it. It tells this page as soon as the App Server knows the subscription.");
  return open("The Push Service has made no endpoint in this run.");
}

/** Word for word what the page says that it sent. */
function handedOver(run) {
  const posts = all(run, [C, W], "subscription.posted");
  const rows = all(run, A, "subscription.stored");
  const same = (row) => posts.findLast((post) => post.detail.endpoint === row.endpoint && post.detail.keys?.p256dh === row.detail.p256dh);
  const row = rows.findLast(same);
  if (row) {
    const post = same(row);
    return done([
      told(post, "posted endpoint and keys", `p256dh ${post.detail.keys.p256dh}`),
      told(row, "received the same", `p256dh ${row.detail.p256dh}`),
    ]);
  }
  if (!posts.length) return open("Nothing has been posted in this run.");
  return open(`Posted ${times(posts.length)}, and the App Server has confirmed nothing yet. It is tried again by itself.`);
}

/** And still there. */
function stored(run) {
  const row = all(run, A, "subscription.stored").findLast((event) => event.connection_id);
  if (!row) return open("The App Server has stored no subscription in this run.");
  const removed = all(run, A, "subscription.removed").findLast((event) => event.endpoint === row.endpoint && event.at >= row.at);
  if (removed) return { ...open("It was stored, and then removed again."), evidence: [told(row, "stored it"), told(removed, "removed it")] };
  const words = row.detail.created === false ? "knew the subscription of this device already" : "stored the subscription of this device";
  return done([told(row, words, `device ${row.connection_id}`)]);
}

function happened(run) {
  const created = all(run, A, "notification.created");
  const event = created.findLast(({ detail }) => detail.subscriptions > 0) ?? created.at(-1);
  if (event) return done([told(event, "stored a notification", `${count(event.detail.devices, "device")}, ${event.detail.subscriptions} by push`)]);
  if (all(run, A, "notification.scheduled").length) return open("A reminder waits for its time. It becomes a notification when it is due.");
  return open("Nothing has happened in this run yet.");
}

/** Sent, and the Push Service said yes. */
function sent(run) {
  const answers = all(run, A, "send.answered");
  const newest = unanswered(run);
  const yes = answers.findLast(({ detail }) => detail.status >= 200 && detail.status < 300);
  const start = yes && all(run, A, "send.started").findLast((event) => event.notification_id === yes.notification_id && event.at <= yes.at);
  if (yes && start) {
    return done([
      told(start, "encrypted, signed and posted it", factsOf(start.detail)),
      told(yes, "got the Push Service’s answer", `status ${yes.detail.status}`),
      newest && told(newest, "posted another one, and waits for the answer"),
    ], newest ? `That was an earlier one. ${WAITING}` : "");
  }
  if (newest) return open(WAITING);
  if (answers.length) return open(answers.at(-1).summary || `The Push Service answered ${answers.at(-1).detail.status}.`);
  return open("Nothing has been sent in this run. It takes a subscription (step 2) and an event (step 7).");
}

/** What was posted last, while the Push Service has not answered it. */
function unanswered(run) {
  const start = all(run, A, "send.started").at(-1);
  const ends = start && all(run, A, "send.answered", "send.retry", "send.expired");
  const isOver = ends?.some(({ at, notification_id: id, endpoint: address }) =>
    at >= start.at && id === start.notification_id && address === start.endpoint);
  return isOver ? null : start;
}

/** The message of step 8, known by the name that the Push Service gave it. */
function accepted(run) {
  const answers = all(run, A, "send.answered").filter(({ detail }) => detail.status === 201);
  const abroad = answers.findLast(({ endpoint: address }) => isAbroad(address));
  if (abroad) return done([told(abroad, "was answered that the message is accepted", "status 201")], SECOND_HAND);
  const names = new Set(answers.map((event) => tokenOf(event.message_url ?? event.detail.location ?? "")));
  const own = all(run, P, "message.accepted").filter((event) => event.detail.vapid && names.has(event.message_id));
  const best = own.findLast((event) => find(run, "message.held", event)) ?? own.at(-1);
  if (best) {
    const [held, delivered] = [find(run, "message.held", best), find(run, "message.delivered", best)];
    return done([
      told(best, "found the signature good, and stored the message", `message ${best.message_id}`),
      held && told(held, "held it", held.detail?.why),
      delivered && told(delivered, "handed it to the browser", held ? `after ${seconds(delivered.at - held.at)}` : ""),
    ]);
  }
  const refused = all(run, P, "message.refused").at(-1);
  if (refused) return open(refused.summary);
  return open("The Push Service tells of no message of this run. Send one, with notifications on (step 2).");
}

/** By the worker itself: a page that was open does not count. */
function shown(run) {
  const woken = all(run, W, "push.received");
  const last = woken.findLast((event) => find(run, "notification.shown", event));
  if (last) {
    const screen = find(run, "notification.shown", last);
    return done([told(last, "was woken, with the message decrypted"), told(screen, "called showNotification()", screen.detail?.title)]);
  }
  if (!woken.length) return open("The Service Worker has not been woken in this run. It takes a subscription (step 2) and a message.");
  return open("The Service Worker was woken, but a page was open and had shown it before. Close every page of pushlab, and let one come.");
}

const WAITING = "The newest one is on its way: the Push Service has not answered yet.";
const SECOND_HAND = "Second-hand: this Push Service lets nobody look inside.";

const done = (evidence, because = "") => ({ done: true, evidence: evidence.filter(Boolean), because });
const open = (because) => ({ done: false, evidence: [], because });
const told = (event, says, fact = "") => ({ event, says, fact: isText(fact) ? fact : "" });

function all(run, actors, ...kinds) {
  const who = [actors].flat();
  return run.filter(({ actor, kind }) => kinds.includes(kind) && who.includes(actor));
}

/** Our own Push Service marks its endpoints, whatever host the browser writes before them. */
const isAbroad = (address) => tokenOf(address) !== "" && !tokenOf(address).startsWith("lab_");

/** An event of the same actor about the same message or notification. */
const find = (run, kind, { actor, message_id: message, notification_id: notification }) =>
  run.find((event) => event.kind === kind && event.actor === actor &&
    (message ? event.message_id === message : Boolean(notification) && event.notification_id === notification));

/** Who says to have the server's key, and which it is. */
const receipts = (run) =>
  all(run, [C, W], "vapid.key-received", "subscribe.called").map((event) =>
    ({ event, key: event.detail.public_key ?? event.detail.applicationServerKey }));

/** What came of a call of subscribe(), if anything has yet. */
const answerTo = (run, call) =>
  all(run, call.actor, "subscribe.done", "subscribe.failed", "subscribe.called").find((event) => event.at > call.at);

/** What a browser reports may be anything. */
const isText = (value) => typeof value === "string";
const tokenOf = (url) => (isText(url) ? url.split("/").at(-1) : "");
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
const times = (number) => (number === 1 ? "once" : `${number} times`);
const seconds = (duration) => `${duration.toFixed(1)} s`;

function factsOf({ body_length: length, vapid, headers }) {
  const ttl = headers?.ttl ?? headers?.TTL;
  return [length && `${length} bytes`, vapid && `aud ${vapid.claims?.aud}`, ttl && `TTL ${ttl} s`].filter(Boolean).join(", ");
}
