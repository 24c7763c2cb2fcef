/**
 * The way from the body to the plaintext, as a list: each value with its name, length, formula and
 * source; beside the values as they were before a byte was changed.
 *
 * Hooks for tests: each entry has `data-step` (the ids of rfc8291.js) and `data-state`: same, changed,
 * failed, missing.
 */
import { counted, hex, make } from "./view.js";

const UTF8 = new TextDecoder("utf-8");
/** Longer values are folded. */
const LONG = 160;
/** Not derived: they are read off the body as they stand there. */
const GIVEN = ["salt", "record-size", "key-id"];

/** `right`: the steps of the unchanged message; `steps` and `failure`: as they are now. */
export function entries(right, { steps, failure }) {
  return right.map((step) => entry(step, steps.find(({ id }) => id === step.id), failure));
}

/** The names of what was derived and came out differently. */
export function differing(right, { steps }) {
  const wrong = steps.filter((step, place) => hex(step.bytes) !== hex(right[place].bytes));
  return wrong.filter(({ id }) => !GIVEN.includes(id)).map(({ name }) => name);
}

function entry(right, now, failure) {
  const state = !now ? (failure?.at === right.id ? "failed" : "missing") : hex(now.bytes) === hex(right.bytes) ? "same" : "changed";
  const item = make("li", "derived");
  Object.assign(item.dataset, { step: right.id, state });
  item.append(head(right, now, state), make("p", "quiet", `${right.formula}. ${right.source}`));
  if (now) item.append(...values(right.id, now.bytes));
  if (state === "failed") item.append(make("p", "derived__why", failure.why));
  return item;
}

const MARKS = { same: "", changed: "comes out differently", failed: "fails here", missing: "not reached" };

function head({ name }, now, state) {
  const line = make("h4", "derived__name", name);
  const mark = [now && counted(now.bytes.length, "byte"), MARKS[state]].filter(Boolean).join(", ");
  line.append(" ", make("span", "derived__mark", mark));
  return line;
}

function values(id, bytes) {
  const shown = make("p", "derived__bytes bytes", hex(bytes));
  const all = bytes.length > LONG ? folded(`All ${bytes.length} bytes`, shown) : shown;
  return id === "plaintext" ? [asText(bytes), all] : [all];
}

function folded(title, content) {
  const details = make("details", "derived__all");
  details.append(make("summary", "quiet", title), content);
  return details;
}

function asText(bytes) {
  const text = make("pre", "plaintext", pretty(UTF8.decode(bytes)));
  text.tabIndex = 0;
  text.setAttribute("role", "region");
  text.setAttribute("aria-label", "Plaintext as text");
  text.dataset.fill = "plaintext";
  return text;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
