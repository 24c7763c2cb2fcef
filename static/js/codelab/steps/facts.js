/**
 * Whether a step has happened, where no journal is kept: from what browser and App Server hold now.
 * The same answers as checks.js gives, from `facts` as look.js finds them. Pure.
 *
 * `facts`: `{ at, key, permission, subscription, known, connectionId, newest }`; what is not there is
 * null. `newest` is what became of the user's newest notification.
 */
const [C, A] = ["client", "app-server"];

export function judge(step, facts) {
  return JUDGES[step](facts);
}

const JUDGES = {
  1: ({ key, ...rest }) => (key ? done([seen(rest, A, "gave its public key to this page", key)]) : open("The server has not answered.")),
  2: permission,
  3: subscribed,
  4: endpoint,
  5: handedOver,
  6: stored,
  7: happened,
  8: sent,
  9: accepted,
  10: shown,
};

function permission({ permission: answer, ...facts }) {
  if (answer === "granted") return done([seen(facts, C, "says that you have allowed it", answer)]);
  return open(answer === "denied" ? "The browser says “denied”. The card of step 2 tells how to go on." : "You have not been asked yet.");
}

function subscribed({ subscription, key, ...facts }) {
  if (!subscription) return open("The browser has no subscription of this site.");
  if (subscription.key !== key) return open("The browser’s subscription was made with another key than the server’s.");
  return done([seen(facts, C, "holds a subscription that was made with the server’s key", key)]);
}

function endpoint({ subscription, ...facts }) {
  if (!subscription) return open("The browser has no endpoint yet.");
  return done([seen(facts, C, "holds an endpoint that the Push Service made", subscription.endpoint)], SECOND_HAND);
}

function handedOver({ subscription, known, ...facts }) {
  if (!subscription) return open("There is nothing to hand over yet.");
  if (known?.endpoint !== subscription.endpoint) return open("The browser has a subscription that the App Server does not know. It is tried again by itself.");
  return done([seen(facts, C, "holds this endpoint", subscription.endpoint), seen(facts, A, "knows the same one")]);
}

function stored({ known, connectionId, ...facts }) {
  if (!known) return open("The App Server has no subscription of this device.");
  return done([seen(facts, A, "has a row for this device", `device ${connectionId}`)]);
}

function happened({ newest }) {
  if (!newest) return open("Your inbox is empty: nothing has happened yet.");
  return done([seen(newest, A, "stored your newest notification", newest.title)]);
}

function sent(facts) {
  const push = pushOf(facts);
  if (!push) return open("Nothing was to be pushed to this device yet. It takes a subscription (step 3) and an event (step 7).");
  if (push.state !== "delivered") return open(`Not handed over: ${push.last_error ?? push.state}.`);
  return done([seen(facts, A, "encrypted, signed and sent it; the Push Service took it", `status ${push.last_status}`)]);
}

function accepted(facts) {
  const push = pushOf(facts);
  if (push?.state !== "delivered") return open("The Push Service has accepted nothing yet, as far as the App Server knows.");
  return done([seen(facts, A, "was answered that the message is accepted", `status ${push.last_status}`)], SECOND_HAND);
}

function shown(facts) {
  if (ownOf(facts)?.state !== "shown") return open("This device has not said that it has shown your newest notification.");
  return done([seen(facts, A, "was told by this device that it has shown it")], "Whether the Service Worker or a page showed it, only a journal could tell.");
}

const SECOND_HAND = "Second-hand: your browser’s Push Service lets nobody look inside.";

const ownOf = ({ newest, connectionId }) => newest?.devices.find((each) => each.connection_id === connectionId);
const pushOf = (facts) => ownOf(facts)?.push;

const done = (evidence, because = "") => ({ done: true, evidence, because });
const open = (because) => ({ done: false, evidence: [], because });
const seen = ({ at }, actor, says, fact = "") => ({ event: { actor, kind: "seen", at }, says, fact });
