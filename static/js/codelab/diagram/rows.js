/**
 * What the diagram draws, from top to bottom: a row for each event, and a ghost for each message of
 * the master diagram that has not happened yet. Pure: events in, rows out.
 *
 * A row: `{ key, event, expected, from, to, left, right, label, token, stays, bad, step, moment, gap,
 * pause, causes, again }`. `event` is null for a ghost; `expected` is the name of the message (see
 * messages.js) that the row is, or null; `left` and `right` are its outermost lifelines.
 */
import { ACTORS, EXPECTED, messageOf } from "./messages.js";

/** How an event is drawn never changes, and a run is drawn again with each of its events. */
const drawings = new WeakMap();

/** To the scale of time: pixels for a second, and where the scale is broken. */
const SECOND = 40;
const LONGEST = 160;

/** `ordered` as fold.js gives it. With `steps` (numbers), only what belongs to these steps. */
export function rowsOf(ordered, steps = null) {
  const belongs = ({ step }) => !steps || steps.includes(step);
  const open = EXPECTED.filter(belongs);
  const rows = ordered.filter(({ event }) => belongs(event)).map((each) => rowOf(each, open));
  rows.forEach((row, place) => Object.assign(row, spaceOf(rows[place - 1], row)));
  return withGhosts(rows, open);
}

/** The lifelines that are drawn: the node has one when it takes part. */
export function lanesOf(rows) {
  const busy = rows.some(({ from, to }) => from === "node" || to === "node");
  return ACTORS.filter((actor) => actor !== "node" || busy);
}

/** Takes what the event fills out of `open`. */
function rowOf({ event, moment, causes, again }, open) {
  const place = open.findIndex(({ fits }) => fits.includes(`${event.actor} ${event.kind}`));
  const filled = place < 0 ? null : open.splice(place, 1)[0].name;
  if (!drawings.has(event)) drawings.set(event, drawn(messageOf(event)));
  return { key: event.key, event, expected: filled, step: event.step, moment, causes, again, ...drawings.get(event) };
}

function drawn({ from, to, label, key: token, stays = null, bad }) {
  const [left, right] = [from, to].sort((one, other) => ACTORS.indexOf(one) - ACTORS.indexOf(other));
  return { from, to, left, right, label, token, stays, bad };
}

/** `gap`: pixels above the row to the scale of time. `pause`: seconds, where that is not to scale. */
function spaceOf(before, { moment }) {
  const seconds = before ? moment - before.moment : 0;
  const gap = Math.round(Math.min(seconds * SECOND, LONGEST));
  return { gap, pause: seconds * SECOND > LONGEST ? seconds : null };
}

/** A ghost stands before the next expected message that has happened, else at the end. */
function withGhosts(rows, open) {
  const all = [...rows];
  const order = EXPECTED.map(({ name }) => name);
  for (const ghost of open) {
    const later = order.slice(order.indexOf(ghost.name) + 1);
    const place = all.findIndex(({ event, expected }) => event && later.includes(expected));
    all.splice(place < 0 ? all.length : place, 0, ghostOf(ghost));
  }
  return all;
}

function ghostOf({ name, step, ...message }) {
  return { key: `expected-${name}`, event: null, expected: name, step, moment: null, causes: [], again: [], gap: 0, pause: null, ...drawn(message) };
}
