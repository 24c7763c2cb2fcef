/**
 * "Did it happen?": the verdict on the page's step, and who reported what, when.
 *
 * Hooks for tests: `data-state` is `looking`, `open` or `done`; each piece of evidence has
 * `data-actor` and `data-kind`.
 */
import { NAMES } from "../diagram/messages.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export class CheckPanel {
  #panel = document.querySelector("[data-part=check]");

  start() {
    const tell = () => { this.#panel.dataset.line = navigator.onLine ? "on" : "off"; };
    addEventListener("online", tell);
    addEventListener("offline", tell);
    tell();
  }

  /** A result of checks.js. */
  show({ done, evidence, because }) {
    this.#panel.dataset.state = done ? "done" : "open";
    this.#fill(this.#panel, "verdict", done ? "Yes, it happened." : "Not yet.");
    this.#fill(this.#panel, "because", because);
    this.#panel.querySelector("[data-list]").replaceChildren(...evidence.map((each) => this.#piece(each)));
  }

  #piece({ event, says, fact }) {
    const item = document.querySelector("#evidence-template").content.cloneNode(true).firstElementChild;
    Object.assign(item.dataset, { actor: event.actor, kind: event.kind });
    this.#fill(item, "who", NAMES[event.actor]);
    this.#fill(item, "when", CLOCK.format(event.at * 1000));
    this.#fill(item, "says", says);
    this.#fill(item, "fact", fact);
    return item;
  }

  #fill(element, name, text) {
    const target = element.querySelector(`[data-fill=${name}]`);
    if (target.textContent !== text) target.textContent = text;
  }
}
