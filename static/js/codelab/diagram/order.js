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

/** By kind of the effect: `[cause, fact]`. By kind of the cause: the facts that its effects ask for. */
const [WAITED_FOR, ASKED_OF] = [new Map(), new Map()];
for (const [cause, effect, fact] of RULES) {
  WAITED_FOR.set(effect, [...(WAITED_FOR.get(effect) ?? []), [cause, fact]]);
  ASKED_OF.set(cause, new Set([...(ASKED_OF.get(cause) ?? []), fact]));
}
const NONE = [];

/** `[{ event, moment, causes }]`: causes first. `moment` in seconds, `causes` are keys of events. */
export function inOrder(events) {
  const chains = chainsOf(events);
  const causes = causesOf(events, chains);
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

/** What an event shares with others, under the names in RULES: each a list of texts. */
const FACTS = {
  key: ({ detail }) => some(detail?.public_key ?? detail?.applicationServerKey),
  endpoint: (event, { answers }) => some(endpointOf(answers.get(event.key) ?? event)),
  notification: (event, { parcels }) => notificationsOf(event, parcels),
  delivery: (event, { parcels }) => {
    const { connection_id: device } = parcels.get(messageOf(event)) ?? event;
    return notificationsOf(event, parcels).map((id) => `${id} ${device ?? ""}`);
  },
  message: (event) => some(messageOf(event)),
  body: ({ detail }) => some(detail?.body ?? detail?.ciphertext),
};

const messageOf = (event) => event.message_id ?? lastSegment(event.message_url);
const endpointOf = (event) => event.token ?? lastSegment(event.endpoint ?? event.detail?.endpoint);

function notificationsOf(event, parcels) {
  if (Array.isArray(event.detail?.notification_ids)) return event.detail.notification_ids.filter(isText);
  return some((parcels.get(messageOf(event)) ?? event).notification_id);
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

/** By the key of a call of subscribe(): its answer, which alone knows the endpoint. */
function answersOf(chains) {
  const answers = new Map();
  for (const chain of chains.values()) {
    let call = null;
    for (const event of chain) {
      if (event.kind === "subscribe.called") call = event;
      if (event.kind === "subscribe.done" && call) answers.set(call.key, event);
      if (event.kind === "subscribe.done" || event.kind === "subscribe.failed") call = null;
    }
  }
  return answers;
}

/** By the key of an effect: the keys of its causes. */
function causesOf(events, chains) {
  const story = { parcels: parcelsOf(events), answers: answersOf(chains) };
  const first = firstOf(chains, story);
  const causes = new Map();
  for (const event of events) {
    const found = new Set();
    for (const [cause, fact] of WAITED_FOR.get(event.kind) ?? NONE) {
      for (const value of FACTS[fact](event, story)) found.add(first.get(`${cause} ${fact} ${value}`));
    }
    found.delete(undefined);
    found.delete(event.key);
    if (found.size) causes.set(event.key, [...found]);
  }
  return causes;
}

/** By kind and fact: the key of the first such event. */
function firstOf(chains, story) {
  const first = new Map();
  for (const event of [...chains.values()].flat()) {
    for (const fact of ASKED_OF.get(event.kind) ?? NONE) {
      for (const value of FACTS[fact](event, story)) {
        const name = `${event.kind} ${fact} ${value}`;
        if (!first.has(name)) first.set(name, event.key);
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
  const ordered = [];
  const done = new Set();
  const isDone = (key) => done.has(key);
  for (let moment = -Infinity; ;) {
    const head = nextOf(heads, ({ key }) => (causes.get(key) ?? NONE).every(isDone));
    if (!head) return ordered;
    const event = head.chain[head.next++];
    done.add(event.key);
    moment = Math.max(moment, event.at + head.offset);
    ordered.push({ event, moment, causes: causes.get(event.key) ?? NONE });
  }
}

/** The head that comes next: ready before not ready, then by time; none when all have ended. */
function nextOf(heads, isReady) {
  let [best, bestReady, bestTime] = [null, false, Infinity];
  for (const head of heads) {
    const event = head.chain[head.next];
    if (!event) continue;
    const [ready, time] = [isReady(event), event.at + head.offset];
    const isBetter = ready === bestReady ? time < bestTime : ready;
    if (!best || isBetter) [best, bestReady, bestTime] = [head, ready, time];
  }
  return best;
}

/** What a browser reports may be anything; what ties events together is text. */
const isText = (value) => typeof value === "string" && value !== "";
const some = (value) => (isText(value) ? [value] : []);
const lastSegment = (url) => (isText(url) ? url.split("/").pop() : null);
