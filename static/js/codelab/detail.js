/** The bytes behind an entry of the diagram, in a panel beside it. Escape or the cross closes it. */
import { NAMES } from "./diagram/messages.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const KNOWN = ["id", "key", "source", "at", "actor", "kind", "step", "summary"];

export class Detail {
  #panel;
  #origin = null;
  #onClose;

  constructor(panel, onClose) {
    this.#panel = panel;
    this.#onClose = onClose;
    this.#panel.querySelector("[data-action=close]").addEventListener("click", () => this.close());
    document.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  /** `origin` is where the focus returns to. */
  open(event, origin) {
    this.#origin = origin;
    this.#fill("kind", event.kind);
    this.#fill("summary", event.summary || event.kind);
    this.#fill("where", whereabouts(event));
    this.#fill("bytes", visible(JSON.stringify(rest(event), null, 2)));
    this.#panel.hidden = false;
    this.#panel.querySelector("h2").focus();
  }

  close() {
    if (this.#panel.hidden) return;
    this.#panel.hidden = true;
    this.#origin?.focus();
    this.#onClose();
  }

  #fill(name, text) {
    this.#panel.querySelector(`[data-fill=${name}]`).textContent = text;
  }
}

function whereabouts({ actor, at, step }) {
  const parts = [NAMES[actor] ?? actor, CLOCK.format(at * 1000), step && `step ${step}`];
  return parts.filter(Boolean).join(", ");
}

/** Everything that the panel does not already say, without what is empty, the short before the long. */
function rest(event) {
  const { detail, ...about } = event;
  const references = Object.entries(about).filter(([name, value]) => !KNOWN.includes(name) && value !== null);
  const all = [...Object.entries(detail ?? {}), ...references];
  return Object.fromEntries(all.sort(([, a], [, b]) => size(a) - size(b)));
}

/** Bytes are shown as they are: what has no shape, or turns the direction of what follows, by number. */
const visible = (json) =>
  json.replace(/\p{Cf}/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

const size = (value) => JSON.stringify(value).length;
