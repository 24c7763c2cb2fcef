/**
 * Keeps the diagram's list as the rows are, with the least work: what stands stays, and so much is
 * drawn anew in one frame as fits well into it; the rest comes with the next. One entry can be reached
 * with Tab; from there the arrow keys walk (see diagram.js).
 */
import { entryOf, update } from "./drawing.js";

/** Milliseconds of a frame that drawing may take. */
const BUDGET = 6;

export class List {
  #list;
  #items = new Map();
  #rows = [];
  #drawn = new Map();
  #frame = null;
  #current = null;

  constructor(list) {
    this.#list = list;
    list.addEventListener("focusin", ({ target }) => this.#reach(target.closest("li")));
  }

  /** Show these rows, from the next frame on. */
  show(rows) {
    this.#rows = rows;
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  /** The row that an element of the list belongs to. */
  rowAt(element) {
    const item = element.closest("li");
    return item && this.#rows.find(({ key }) => key === item.dataset.key);
  }

  /** The button of an event's row; null when it is not drawn. */
  buttonOf(key) {
    return this.#items.get(key)?.querySelector("button") ?? null;
  }

  /** The button that is `by` places from the one in focus; -Infinity and Infinity: the ends. */
  neighbour(by) {
    const buttons = [...this.#list.querySelectorAll("button")];
    const place = buttons.indexOf(this.#current?.querySelector("button")) + by;
    return buttons[Math.max(0, Math.min(place, buttons.length - 1))];
  }

  /** Mark the row whose detail is open; null: none. */
  mark(key) {
    for (const button of this.#list.querySelectorAll("[aria-expanded=true]")) button.setAttribute("aria-expanded", "false");
    this.buttonOf(key)?.setAttribute("aria-expanded", "true");
  }

  #draw() {
    const end = performance.now() + BUDGET;
    this.#frame = null;
    this.#dropOld();
    let place = this.#list.firstElementChild;
    for (const row of this.#rows) {
      if (performance.now() > end) {
        this.#frame = requestAnimationFrame(() => this.#draw());
        break;
      }
      const item = this.#itemOf(row);
      if (item === place) place = place.nextElementSibling;
      else this.#list.insertBefore(item, place);
    }
    if (!this.#current?.isConnected) this.#reach(this.#list.querySelector("li:has(button)"));
  }

  #dropOld() {
    const wanted = new Set(this.#rows.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (wanted.has(key)) continue;
      item.remove();
      this.#items.delete(key);
    }
  }

  #itemOf(row) {
    const known = this.#items.get(row.key);
    const item = known ?? entryOf(row);
    if (known && isOther(this.#drawn.get(row.key), row)) update(known, row);
    this.#items.set(row.key, item);
    this.#drawn.set(row.key, row);
    return item;
  }

  #reach(item) {
    const button = item?.querySelector("button");
    if (!button) return;
    this.#current?.querySelector("button")?.setAttribute("tabindex", "-1");
    button.tabIndex = 0;
    this.#current = item;
  }
}

const isOther = (one, other) => one.gap !== other.gap || one.pause !== other.pause || one.expected !== other.expected;
