/**
 * What is behind a message of the diagram, in a dock below it: its material, and the messages that it
 * came from and led to. Escape or the cross closes it.
 *
 * Hooks for tests: `data-kind` on the panel is the open event's; the material is in
 * `[data-fill=material]`, the messages around it in `[data-fill=around]`.
 */
import { messageOf, NAMES } from "./diagram/messages.js";
import { draw } from "./material/drawing.js";
import { sectionsOf } from "./material/sections.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

export class Detail {
  #panel;
  #origin = null;
  #onClose;
  #onChoose;

  /** Calls `onClose()`, and `onChoose(key)` for a message around the open one. */
  constructor(panel, onClose, onChoose) {
    this.#panel = panel;
    this.#onClose = onClose;
    this.#onChoose = onChoose;
    panel.addEventListener("click", ({ target }) => this.#onClick(target));
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  /** `again`: moments at which it came once more. `around`: `{ before, after }`, lists of events.
   *  `origin` is where the focus returns to. */
  open(event, again, around, origin) {
    this.#origin = origin;
    this.#panel.dataset.kind = event.kind;
    this.#part("kind").textContent = event.kind;
    this.#part("summary").textContent = event.summary || event.kind;
    this.#part("where").textContent = whereabouts(event, again);
    this.#part("material").replaceChildren(...sectionsOf(event).map(draw));
    this.#part("around").replaceChildren(...around.before.map((each) => link(each, "Came from")), ...around.after.map((each) => link(each, "Led to")));
    this.#panel.hidden = false;
    document.body.dataset.detail = "open";
    this.#panel.scrollTop = 0;
    this.#panel.querySelector("h2").focus();
  }

  close() {
    if (this.#panel.hidden) return;
    this.#panel.hidden = true;
    delete document.body.dataset.detail;
    this.#origin?.focus();
    this.#onClose();
  }

  #onClick(target) {
    if (target.closest("[data-action=close]")) this.close();
    const around = target.closest("[data-around]");
    if (around) this.#onChoose(around.dataset.around);
  }

  #part(name) {
    return this.#panel.querySelector(`[data-fill=${name}]`);
  }
}

function whereabouts({ actor, at, step }, again) {
  const often = again.length === 1 ? "again" : `${again.length} times again, last`;
  const more = again.length && `and ${often} at ${CLOCK.format(again.at(-1) * 1000)}`;
  const parts = [NAMES[actor] ?? actor, CLOCK.format(at * 1000), step && `step ${step}`, more];
  return parts.filter(Boolean).join(", ");
}

function link(event, relation) {
  const item = document.createElement("li");
  const button = item.appendChild(document.createElement("button"));
  Object.assign(button, { type: "button", className: "around" });
  button.dataset.around = event.key;
  const { from, label } = messageOf(event);
  button.append(`${relation} `, Object.assign(document.createElement("strong"), { textContent: `${NAMES[from]}: ${label}` }));
  return item;
}
