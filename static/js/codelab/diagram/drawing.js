/**
 * One row of the diagram as an entry of its list: a button with words and an arrow from lifeline to
 * lifeline (or a dot on one), so it is read, walked with the keyboard and drawn from one element. Which
 * lifeline is where, the style sheet says. A ghost has no button: there is nothing behind it yet.
 *
 * Hooks for tests: `data-event` (the event's key), `data-actor`, `data-kind`, `data-from`, `data-to`,
 * `data-step`; `data-expected` on the messages of the master diagram, `data-ghost` while it has not
 * happened. `.message__times` says how often, of what came again and again.
 */
import { NAMES } from "./messages.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 14;
const MIDDLE = HEIGHT / 2;
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function entryOf(row) {
  const { event, from, to, left, right, bad, step } = row;
  const item = make("li", "message");
  Object.assign(item.dataset, { key: row.key, from, to, left, right });
  if (step) item.dataset.step = step;
  item.classList.toggle("message--bad", bad);
  const body = item.appendChild(event ? button(item, event) : ghost(item));
  if (row.stays) body.append(make("span", `message__stays token token--${row.stays}`, `signs with the ${row.stays} key`));
  body.append(words(row), arrow(row));
  update(item, row);
  return item;
}

/** What may change while the row stands: its distance, which expected message it is, how often it came. */
export function update(item, { expected, gap, pause, again }) {
  item.toggleAttribute("data-expected", expected !== null);
  if (expected) item.dataset.expected = expected;
  item.style.setProperty("--gap", `${gap}px`);
  item.toggleAttribute("data-pause", pause !== null);
  if (pause !== null) item.dataset.pause = `${lasting(pause)} later`;
  if (again.length) timesOf(item).textContent = ` ${again.length + 1} times`;
}

function button(item, event) {
  Object.assign(item.dataset, { event: event.key, actor: event.actor, kind: event.kind });
  const element = make("button", "message__body");
  Object.assign(element, { type: "button", tabIndex: -1 });
  element.setAttribute("aria-expanded", "false");
  element.setAttribute("aria-controls", "detail");
  return element;
}

function ghost(item) {
  item.dataset.ghost = "";
  return make("div", "message__body");
}

function words({ event, from, to, label, token, step, moment }) {
  const text = make("span", "message__label");
  const who = from === to ? NAMES[from] : `${NAMES[from]} to ${NAMES[to]}`;
  text.append(make("span", "visually-hidden", event ? `${who}: ` : `Expected, ${who}: `));
  if (step) text.append(make("span", "step", String(step)), " ");
  text.append(...breakable(label));
  if (token) text.append(" ", make("span", `token token--${token}`, `${token} key`));
  if (event) text.append(make("span", "visually-hidden", `, ${CLOCK.format(moment * 1000)}`));
  return text;
}

function timesOf(item) {
  const label = item.querySelector(".message__label");
  return label.querySelector(".message__times") ?? label.appendChild(make("span", "message__times"));
}

/** Names of methods and paths may break where their words begin: columns are narrow on a phone. */
function breakable(label) {
  const parts = label.split(/(?<=\w\()|(?<=[a-z])(?=[A-Z])|(?<=\/)(?=\w)/);
  return parts.flatMap((part, place) => (place ? [document.createElement("wbr"), part] : [part]));
}

function arrow({ from, to, left, token, event }) {
  const svg = shape("svg", { class: "message__drawing", height: HEIGHT, "aria-hidden": "true", focusable: "false" });
  if (from === to) {
    svg.append(shape("circle", { class: "dot", cx: "50%", cy: MIDDLE, r: 3.5 }));
    return svg;
  }
  const [tip, back] = from === left ? ["100%", -8] : ["0%", 8];
  const head = shape("svg", { x: tip, y: MIDDLE, overflow: "visible" });
  head.append(shape("path", { class: "head", d: `M0 0 L${back} -4 L${back} 4 Z` }));
  svg.append(shape("line", { class: "line", x1: 0, x2: "100%", y1: MIDDLE, y2: MIDDLE }), head);
  if (token && event) svg.append(traveller(tip, back));
  return svg;
}

/** A key rides on the arrow that carries it. */
function traveller(tip, back) {
  const place = shape("svg", { class: "traveller", x: tip, y: MIDDLE, overflow: "visible" });
  const key = shape("g", { class: "traveller__key", transform: `translate(${back * 3.25} 0)` });
  key.append(shape("circle", { class: "traveller__disc", r: 9 }));
  key.append(shape("path", { class: "traveller__sign", d: "M-5.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0M-.5 0H6M4 0v2.5" }));
  place.append(key);
  return place;
}

function lasting(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}

function make(name, className, text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
