/**
 * The events of a run in the order of cause and effect. Browser, App Server and Push Service each have
 * a clock of their own, so their times do not compare: what one of them did is in order by its own
 * clock, and between two of them only a message that passed from one to the other says what came first.
 *
 * RULES are these messages. From them follows also by how much a clock must be wrong, and every event
 * gets a moment on one common clock, the App Server's. Pure: no imports, no browser.
 */

/** Cause, effect, and the fact that they share. Of several causes the first is meant. */
const RULES = [
  ["vapid.key-made", "vapid.key-served", "key"],
  ["vapid.key-served", "subscribe.called", "key"],
  ["subscribe.called", "subscription.created", "endpoint"],
  ["subscription.created", "subscribe.done", "endpoint"],
  ["subscribe.done", "subscription.posted", "endpoint"],
  ["subscription.posted", "subscription.stored", "endpoint"],
  ["subscription.stored", "send.started", "endpoint"],
  ["notification.created", "send.started", "notification"],
  ["send.started", "message.accepted", "body"],
  ["send.started", "message.refused", "body"],
  ["message.accepted", "send.answered", "message"],
  ["message.delivered", "push.received", "delivery"],
  ["notification.created", "node.delivered", "notification"],
  ["node.delivered", "notification.received", "delivery"],
  ["notification.acknowledged", "node.acknowledged", "delivery"],
];

/** `[{ event, moment, causes }]`: causes first. `moment` in seconds, `causes` are keys of events. */
export function inOrder(events) {
  const facts = factsOf(events);
  const chains = chainsOf(events);
  const causes = causesOf(events, facts, chains);
  return merge(chains, causes, offsetsOf(chains, causes));
}

/** Whose clock an event's time is from. Page and worker of one browser share theirs. */
function clockOf({ actor, connection_id: device }) {
  if (actor === "push-service") return actor;
  return actor === "client" || actor === "service-worker" ? `browser ${device ?? ""}` : "app";
}

/** By clock: its events, in its order. */
function chainsOf(events) {
  const chains = new Map();
  for (const event of events) {
    const clock = clockOf(event);
    if (!chains.has(clock)) chains.set(clock, []);
    chains.get(clock).push(event);
  }
  for (const chain of chains.values()) chain.sort((one, other) => one.at - other.at || one.id - other.id);
  return chains;
}

/** What an event shares with others, by the event's key: lists of texts under the names in RULES. */
function factsOf(events) {
  const parcels = parcelsOf(events);
  const facts = new Map(events.map((event) => [event.key, ownFacts(event, parcels)]));
  for (const [call, done] of calls(events)) facts.get(call.key).endpoint = facts.get(done.key).endpoint;
  return facts;
}

function ownFacts({ actor, kind, detail = {}, ...event }, parcels) {
  const message = event.message_id ?? lastSegment(event.message_url);
  const { notification_id: notification, connection_id: device } = parcels.get(message) ?? event;
  const ids = Array.isArray(detail?.notification_ids) ? detail.notification_ids.filter(isText) : some(notification);
  const endpoint = event.token ?? lastSegment(event.endpoint ?? detail?.endpoint);
  return {
    key: some(detail?.public_key ?? detail?.applicationServerKey),
    endpoint: some(endpoint),
    notification: ids,
    delivery: ids.map((id) => `${id} ${device ?? ""}`),
    message: some(message),
    body: some(detail?.body ?? detail?.ciphertext),
  };
}

/** Which notification, for which device, a message of the Push Service carries: its bytes tell, and
 *  so does the App Server, which was answered the message's address. */
function parcelsOf(events) {
  const sent = new Map(events.filter(({ kind }) => kind === "send.started").map((event) => [event.detail?.body, event]));
  const parcels = new Map();
  for (const event of events) {
    if (event.kind === "send.answered" && event.message_url) parcels.set(lastSegment(event.message_url), event);
    const parcel = event.kind === "message.accepted" && sent.get(event.detail?.ciphertext);
    if (parcel) parcels.set(event.message_id, parcel);
  }
  return parcels;
}

/** Each call of subscribe() with its answer, which alone knows the endpoint. */
function calls(events) {
  const pairs = [];
  for (const chain of chainsOf(events).values()) {
    let call = null;
    for (const event of chain) {
      if (event.kind === "subscribe.called") call = event;
      if (event.kind === "subscribe.done" && call) pairs.push([call, event]);
      if (event.kind === "subscribe.done" || event.kind === "subscribe.failed") call = null;
    }
  }
  return pairs;
}

/** By the key of an effect: the keys of its causes. */
function causesOf(events, facts, chains) {
  const first = firstOf(chains, facts);
  const causes = new Map();
  for (const event of events) {
    const found = RULES.filter(([, effect]) => effect === event.kind).flatMap(([cause, , by]) =>
      facts.get(event.key)[by].map((value) => first.get(`${cause} ${by} ${value}`)));
    causes.set(event.key, [...new Set(found.filter((key) => key && key !== event.key))]);
  }
  return causes;
}

/** By kind and fact: the key of the first such event. */
function firstOf(chains, facts) {
  const first = new Map();
  for (const { kind, key } of [...chains.values()].flat()) {
    for (const [by, values] of Object.entries(facts.get(key))) {
      for (const value of values) {
        const name = `${kind} ${by} ${value}`;
        if (!first.has(name)) first.set(name, key);
      }
    }
  }
  return first;
}

/** By clock: seconds to add, so that no effect is before its cause. A clock that needs none is right.
 *  One after the other, the browsers last: each is held against those that are settled. */
function offsetsOf(chains, causes) {
  const offsets = new Map([["app", 0]]);
  const events = new Map([...chains.values()].flat().map((event) => [event.key, event]));
  const passed = [...causes].flatMap(([effect, keys]) => keys.map((cause) => [events.get(cause), events.get(effect)]));
  for (const clock of ["push-service", ...chains.keys()]) {
    if (offsets.has(clock)) continue;
    let [least, most] = [-Infinity, Infinity];
    for (const [cause, effect] of passed) {
      const [from, to] = [clockOf(cause), clockOf(effect)];
      if (to === clock && offsets.has(from)) least = Math.max(least, cause.at + offsets.get(from) - effect.at);
      if (from === clock && offsets.has(to)) most = Math.min(most, effect.at + offsets.get(to) - cause.at);
    }
    offsets.set(clock, Math.max(least, Math.min(most, 0)));
  }
  return offsets;
}

/** The chains as one: always the earliest event whose causes are all there. Should reports
 *  contradict each other, the earliest at all. */
function merge(chains, causes, offsets) {
  const heads = [...chains].map(([clock, chain]) => ({ chain, next: 0, offset: offsets.get(clock) }));
  const done = new Set();
  const ordered = [];
  const isReady = ({ chain, next }) => causes.get(chain[next].key).every((key) => done.has(key));
  for (;;) {
    const left = heads.filter(({ chain, next }) => next < chain.length);
    if (!left.length) return ordered;
    const ready = left.filter(isReady);
    const head = earliest(ready.length ? ready : left);
    const event = head.chain[head.next++];
    done.add(event.key);
    const before = ordered.at(-1)?.moment ?? -Infinity;
    ordered.push({ event, moment: Math.max(before, event.at + head.offset), causes: causes.get(event.key) });
  }
}

function earliest(heads) {
  const timeOf = ({ chain, next, offset }) => chain[next].at + offset;
  return heads.reduce((one, other) => (timeOf(other) < timeOf(one) ? other : one));
}

/** What a browser reports may be anything; what ties events together is text. */
const isText = (value) => typeof value === "string" && value !== "";
const some = (value) => (isText(value) ? [value] : []);
const lastSegment = (url) => (isText(url) ? url.split("/").pop() : null);
