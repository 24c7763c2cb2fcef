/**
 * Keeps the diagram's list as the rows are, with the least work: what stands stays, and so much is
 * drawn anew in one frame as fits well into it; the rest comes with the next. One entry can be reached
 * with Tab; from there the arrow keys walk (see diagram.js).
 */
import { entryOf, update } from "./drawing.js";

/** Of a frame: milliseconds that drawing may take, and new entries. What the browser then does to
 *  style, lay out and paint an entry is several times the work of making it, and no clock here sees it. */
const BUDGET = 4;
const PORTION = 6;

export class List {
  #list;
  #items = new Map();
  #rows = [];
  /** Of the rows, the next one to be looked at, and the element that is in its place. */
  #next = 0;
  #place = null;
  #drawn = new Map();
  #lively = false;
  #frame = null;
  #current = null;

  constructor(list) {
    this.#list = list;
    list.addEventListener("focusin", ({ target }) => this.#reach(target.closest("li")));
  }

  /** Show these rows, from the next frame on. */
  show(rows) {
    this.#rows = rows;
    this.#dropOld();
    this.#lively = rows.length - this.#items.size <= PORTION;
    [this.#next, this.#place] = [0, this.#list.firstElementChild];
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
    const most = this.#items.size + PORTION;
    this.#frame = null;
    while (this.#next < this.#rows.length && this.#items.size < most && performance.now() < end) {
      const item = this.#itemOf(this.#rows[this.#next++]);
      if (item === this.#place) this.#place = item.nextElementSibling;
      else this.#list.insertBefore(item, this.#place);
    }
    if (this.#next < this.#rows.length) this.#frame = requestAnimationFrame(() => this.#draw());
    if (!this.#current?.isConnected) this.#reach(this.#list.querySelector("li:has(button)"));
  }

  #dropOld() {
    const wanted = new Set(this.#rows.map(({ key }) => key));
    for (const [key, item] of this.#items) {
      if (wanted.has(key)) continue;
      item.remove();
      this.#items.delete(key);
      this.#drawn.delete(key);
    }
  }

  #itemOf(row) {
    const known = this.#items.get(row.key);
    const item = known ?? this.#newItem(row);
    if (known && isOther(this.#drawn.get(row.key), row)) update(known, row);
    this.#items.set(row.key, item);
    this.#drawn.set(row.key, row);
    return item;
  }

  /** It appears as a message on its way; a whole run, which was there before, just stands. */
  #newItem(row) {
    const item = entryOf(row);
    item.classList.toggle("message--fresh", this.#lively);
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

const isOther = (one, other) => one.gap !== other.gap || one.pause !== other.pause || one.expected !== other.expected ||
  one.again.length !== other.again.length;
