/**
 * The live master diagram (W-11) of a run, wherever templates/_diagram.html puts it: draws what
 * happens as it happens, pauses, steps and replays, opens the material behind a message.
 *
 *   const diagram = new Diagram(document.querySelector("[data-part=diagram]"), run);
 *   diagram.start();                  before run.start()
 *   diagram.show("app-17");           opens the material of an event, by its key
 *
 * `data-steps="3 4"` on the part limits it to events of these steps.
 *
 * Hooks for tests: on the part `data-state` (`empty`, `running`), `data-player` (`live`, `paused`,
 * `replaying`), `data-lanes`, `data-scale`; buttons carry `data-action`: pause, back, step, replay,
 * scale, and save with `data-format`. The entries: see drawing.js.
 */
import { Detail } from "../detail.js";
import { folded } from "./fold.js";
import { List } from "./list.js";
import { inOrder } from "./order.js";
import { Player } from "./player.js";
import { lanesOf, rowsOf } from "./rows.js";
import { save } from "./save.js";

/** Milliseconds between two events of a replay. */
const BEAT = 700;
const KEYS = {
  p: "pause",
  r: "replay",
  t: "scale",
  ArrowLeft: "back",
  ArrowRight: "step",
};
const WALKS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export class Diagram {
  #part;
  #run;
  #steps;
  #list;
  #detail;
  #player = new Player();
  #ordered = [];
  #rows = [];
  #stale = false;
  #timer = null;
  #soon = null;

  /** `run` is a Run (see ../run.js). */
  constructor(part, run) {
    this.#part = part;
    this.#run = run;
    this.#steps = part.dataset.steps ? part.dataset.steps.split(" ").map(Number) : null;
    this.#list = new List(part.querySelector("[data-list]"));
    this.#detail = new Detail(
      part.querySelector("#detail"),
      () => this.#list.mark(null),
      (key) => this.show(key),
    );
  }

  start() {
    this.#part.addEventListener("click", (event) => this.#onClick(event));
    this.#part.addEventListener("keydown", (event) => this.#onKey(event));
    this.#run.onChange((events) => this.#onChange(events));
    this.#onChange([]);
  }

  /** Open the material of an event of the run. */
  show(key) {
    const found = this.#ordered.find(({ event }) => event.key === key);
    if (found) this.#open(found, this.#list.buttonOf(key));
  }

  #onChange(events) {
    if (!events) {
      this.#player.live();
      this.#detail.close();
    }
    this.#stale = true;
    this.#draw();
  }

  get #keys() {
    this.#sort();
    return this.#ordered.map(({ event }) => event.key);
  }

  /** Everything that came until then at once. The order of a long run takes its time, and so does a
   *  frame: it is worked out before. */
  #draw() {
    this.#soon ??= setTimeout(() => {
      this.#sort();
      requestAnimationFrame(() => {
        this.#soon = null;
        this.#show();
      });
    });
  }

  #sort() {
    if (this.#stale) this.#ordered = folded(inOrder(this.#run.events));
    this.#stale = false;
  }

  #show() {
    const keys = this.#keys;
    const visible = new Set(this.#player.visible(keys));
    this.#rows = rowsOf(this.#ordered.filter(({ event }) => visible.has(event.key)), this.#steps);
    this.#list.show(this.#rows);
    this.#part.dataset.lanes = lanesOf(this.#rows).length;
    this.#part.dataset.state = visible.size ? "running" : "empty";
    this.#say(visible.size, keys.length);
  }

  #say(shown, all) {
    const { state } = this.#player;
    const waiting = all - shown;
    this.#part.dataset.player = state;
    this.#part.querySelector("[data-action=pause]").setAttribute("aria-pressed", String(state === "paused"));
    this.#part.querySelector("[data-fill=player]").textContent = {
      live: "Live",
      paused: waiting ? `Paused: ${waiting} ${waiting === 1 ? "waits" : "wait"}` : "Paused",
      replaying: `Replay: ${shown} of ${all}`,
    }[state];
  }

  #onClick({ target }) {
    const action = target.closest("[data-action]");
    if (action?.dataset.format) return save(this.#rows, action.dataset.format);
    if (action) return this.#act(action.dataset.action);
    const row = target.closest("[data-list]") && this.#list.rowAt(target);
    if (row?.event) this.show(row.key);
  }

  /** Keys work while the focus is in the diagram, and not in what is open over it. */
  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("#detail")) return;
    if (event.key in WALKS && event.target.closest("[data-list]")) {
      event.preventDefault();
      this.#list.neighbour(WALKS[event.key])?.focus();
    } else if (KEYS[event.key]) {
      event.preventDefault();
      this.#act(KEYS[event.key]);
    }
  }

  #act(action) {
    if (action === "scale") return this.#changeScale();
    this.#play(action);
  }

  #changeScale() {
    const byTime = this.#part.dataset.scale !== "time";
    this.#part.dataset.scale = byTime ? "time" : "even";
    this.#part.querySelector("[data-action=scale]").setAttribute("aria-pressed", String(byTime));
  }

  #play(action) {
    const [player, keys] = [this.#player, this.#keys];
    if (action === "pause") player.state === "paused" ? player.goOn(keys) : player.pause(keys);
    else if (action === "step") player.step(keys);
    else if (action === "back") player.back(keys);
    else if (action === "replay") player.replay();
    else return;
    this.#beat();
    this.#draw();
  }

  #beat() {
    clearTimeout(this.#timer);
    if (this.#player.state !== "replaying") return;
    this.#timer = setTimeout(() => {
      this.#player.tick(this.#keys);
      this.#draw();
      this.#beat();
    }, BEAT);
  }

  #open({ event, again }, origin) {
    this.#list.mark(event.key);
    this.#detail.open(event, again, this.#around(event.key), origin);
    origin?.scrollIntoView({ block: "nearest" });
  }

  /** What came right before an event and what followed from it, as messages between actors. */
  #around(key) {
    const events = new Map(this.#ordered.map(({ event }) => [event.key, event]));
    const causes = this.#ordered.find(({ event }) => event.key === key)?.causes ?? [];
    const effects = this.#ordered.filter((each) => each.causes.includes(key));
    return { before: causes.map((cause) => events.get(cause)), after: effects.map(({ event }) => event) };
  }
}
