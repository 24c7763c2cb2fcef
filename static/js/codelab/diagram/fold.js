/**
 * What a run tells over and over, told once: every page that opens makes sure of the server's key, and
 * is given the same one. Pure: no imports, no browser.
 */

/** By kind of such an event: what is the same each time. */
const SAME = { "vapid.key-served": ({ detail }) => detail?.public_key };

/** `ordered` as order.js gives it. Each has one field more, `again`: the moments of those that came
 *  later and said the same, which are not in the list themselves. */
export function folded(ordered) {
  const first = new Map();
  const kept = [];
  for (const each of ordered) {
    const { kind, actor } = each.event;
    const name = Object.hasOwn(SAME, kind) && `${actor} ${kind} ${SAME[kind](each.event)}`;
    const before = name && first.get(name);
    if (before) {
      before.again.push(each.moment);
      continue;
    }
    const shown = { ...each, again: [] };
    kept.push(shown);
    if (name) first.set(name, shown);
  }
  return kept;
}
