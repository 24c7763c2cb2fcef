/**
 * The live sequence diagram: an ordered list in which every entry is a button with a small SVG of its
 * arrow across the four lifelines. So it is read as a list, walked with the keyboard, and drawn, all
 * from the same elements.
 *
 * Hooks for tests: each entry has `data-event` ("<source>-<id>"), `data-actor`, `data-kind`,
 * `data-from`, `data-to` (columns 0 to 3). Out: calls `onChoose(event)`.
 */
import { ACTORS, messageOf, NAMES } from "./messages.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 14;
const MIDDLE = HEIGHT / 2;
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export class Diagram {
  #list;
  #events = new Map();

  constructor(list, onChoose) {
    this.#list = list;
    list.addEventListener("click", ({ target }) => this.#onClick(target.closest("li"), onChoose));
  }

  /** Draw these events of the run (see run.js), by time. */
  add(events) {
    for (const event of events) {
      this.#events.set(event.key, event);
      this.#insert(entry(event), event.at);
    }
  }

  clear() {
    this.#events.clear();
    this.#list.replaceChildren();
  }

  /** Mark the entry whose detail is open; null: none. */
  mark(event) {
    for (const item of this.#list.children) {
      const open = this.#events.get(item.dataset.event) === event;
      item.firstElementChild.setAttribute("aria-expanded", String(open));
    }
  }

  #onClick(item, onChoose) {
    if (item) onChoose(this.#events.get(item.dataset.event), item.firstElementChild);
  }

  #insert(item, at) {
    item.dataset.at = at;
    let later = null;
    let each = this.#list.lastElementChild;
    while (each && Number(each.dataset.at) > at) [later, each] = [each, each.previousElementSibling];
    this.#list.insertBefore(item, later);
  }
}

function entry(event) {
  const { from, to, label, key: token, stays, bad } = messageOf(event);
  const [start, end] = [ACTORS.indexOf(from), ACTORS.indexOf(to)];
  const item = make("li", "message");
  Object.assign(item.dataset, { event: event.key, actor: event.actor, kind: event.kind, from: start, to: end });
  item.classList.toggle("message--bad", bad);
  const button = item.appendChild(make("button", "message__button"));
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", "detail");
  if (stays) button.append(make("span", `message__stays token token--${stays}`, `signs with the ${stays} key`));
  button.append(words(from, to, label, token, event), drawing(start, end));
  return item;
}

function words(from, to, label, token, { step, at }) {
  const text = make("span", "message__label");
  const who = from === to ? NAMES[from] : `${NAMES[from]} to ${NAMES[to]}`;
  text.append(make("span", "visually-hidden", `${who}: `));
  if (step) text.append(make("span", "step", String(step)), " ");
  text.append(...breakable(label));
  if (token) text.append(" ", make("span", `token token--${token}`, `${token} key`));
  text.append(make("span", "visually-hidden", `, ${CLOCK.format(at * 1000)}`));
  return text;
}

/** Names of methods and paths may break where their words begin: columns are narrow on a phone. */
function breakable(label) {
  const parts = label.split(/(?<=\w\()|(?<=[a-z])(?=[A-Z])|(?<=\/)(?=\w)/);
  return parts.flatMap((part) => [document.createElement("wbr"), part]);
}

/** Arrow from column to column, or a dot on one lifeline. Percentages: it fits any width. */
function drawing(start, end) {
  const svg = shape("svg", { class: "message__drawing", height: HEIGHT, "aria-hidden": "true", focusable: "false" });
  if (start === end) {
    svg.append(shape("circle", { class: "dot", cx: center(start), cy: MIDDLE, r: 3.5 }));
    return svg;
  }
  const head = shape("svg", { x: center(end), y: MIDDLE, overflow: "visible" });
  const back = end > start ? -1 : 1;
  head.append(shape("path", { class: "head", d: `M0 0 L${8 * back} -4 L${8 * back} 4 Z` }));
  svg.append(shape("line", { class: "line", x1: center(start), x2: center(end), y1: MIDDLE, y2: MIDDLE }), head);
  return svg;
}

const center = (column) => `${12.5 + 25 * column}%`;

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
