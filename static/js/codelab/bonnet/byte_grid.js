/**
 * Bytes as buttons. One tab stop; arrows, Home and End move among them; a click, Enter or the space
 * bar chooses one.
 *
 * Hooks for tests: each button has `data-byte`, its place, and `data-changed` when it is another than
 * at first.
 */
import { hexOf, make } from "./view.js";

export class ByteGrid {
  #grid = make("div", "byte-grid");
  #bytes;
  #name;

  /** `name`: what the bytes are, for those who do not see them. `onChoose(place)`. */
  constructor(name, bytes, onChoose) {
    this.#name = name;
    this.#bytes = bytes;
    this.#grid.setAttribute("role", "group");
    this.#grid.setAttribute("aria-label", `${name}, byte by byte`);
    this.#grid.append(...Array.from(bytes, (byte, place) => this.#button(byte, place)));
    this.#grid.addEventListener("click", ({ target }) => this.#choose(target.closest("button"), onChoose));
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get element() {
    return this.#grid;
  }

  /** Show a byte as it is now. */
  set(place, byte) {
    const button = this.#grid.children[place];
    button.textContent = hexOf(byte);
    button.toggleAttribute("data-changed", byte !== this.#bytes[place]);
    this.#label(button, byte, place);
  }

  #button(byte, place) {
    const button = make("button", "byte", hexOf(byte));
    button.type = "button";
    button.dataset.byte = place;
    button.tabIndex = place ? -1 : 0;
    this.#label(button, byte, place);
    return button;
  }

  #label(button, byte, place) {
    const changed = byte === this.#bytes[place] ? "" : `, was ${hexOf(this.#bytes[place])}`;
    button.setAttribute("aria-label", `Byte ${place + 1} of ${this.#bytes.length}: ${hexOf(byte)}${changed}`);
  }

  #choose(button, onChoose) {
    if (!button) return;
    this.#focus(button);
    onChoose(Number(button.dataset.byte));
  }

  #onKey(event) {
    const at = Number(event.target.dataset.byte);
    const columns = getComputedStyle(this.#grid).gridTemplateColumns.split(" ").length;
    const last = this.#bytes.length - 1;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#focus(this.#grid.children[Math.min(Math.max(to, 0), last)]);
  }

  #focus(button) {
    for (const each of this.#grid.querySelectorAll("[tabindex='0']")) each.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  }
}
