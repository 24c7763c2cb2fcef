/**
 * Ops at a glance: asks the server every few seconds how everything does, while somebody looks.
 *
 * Hooks for tests: `data-state` on the part is `loading`, `empty`, `live`, `stale` (the server does
 * not answer; what was told last stays) or `refused`; `data-points` is how many points it has;
 * plots have `data-plot`, lines `data-series`, values `data-value`, lists of rows `data-list`.
 */
import { get } from "pushlab/shared/api.js";
import { duration, inWords, minutes, PLOTS, spoken, valueOf } from "./figures.js";
import { HEIGHT, path, spanOf, topOf, WIDTH, xOf } from "./plot.js";
import { minuteRow, processRow, serviceRow } from "./rows.js";

/** Seconds between two questions until the server says how often it looks. */
const EVERY = 5;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

class Ops {
  #part = document.querySelector("[data-part=ops]");
  #back = this.#part.querySelector("[name=back]");
  #told = null;
  #timer = 0;
  /** How many points before the last one the reader looks at. */
  #steps = 0;

  start() {
    this.#back.addEventListener("input", () => this.#lookAt(Number(this.#back.value)));
    document.addEventListener("visibilitychange", () => document.hidden || this.#load());
    for (const svg of this.#part.querySelectorAll(".plot__svg")) {
      svg.addEventListener("pointermove", (event) => this.#onPointer(svg, event));
      svg.addEventListener("pointerleave", () => this.#lookAt(Number(this.#back.value)));
    }
    this.#load();
  }

  async #load() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      this.#told = await get("/api/ops");
      this.#show();
    } catch (problem) {
      this.#fail(problem);
    }
    clearTimeout(this.#timer);
    if (this.#part.dataset.state !== "refused") {
      this.#timer = setTimeout(() => this.#load(), 1000 * (this.#told?.every ?? EVERY));
    }
  }

  #fail(problem) {
    const refused = problem.status === 401 || problem.status === 403;
    this.#part.dataset.state = refused ? "refused" : "stale";
    const since = this.#told ? ` What you see is of ${CLOCK.format(this.#told.at * 1000)}.` : "";
    this.#say(refused ? `${problem.message} ${problem.wayOn}` : `The server does not answer; asking again.${since}`);
  }

  #show() {
    const { points, at, services, processes } = this.#told;
    this.#part.dataset.state = points.length ? "live" : "empty";
    this.#part.dataset.points = points.length;
    // Said once: a screen reader need not hear the clock tick.
    this.#say("Live. It goes on by itself while you look.");
    this.#fill("services", services.map(serviceRow));
    this.#fill("processes", processes.map((process) => processRow(process, at)));
    this.#fill("minutes", minutes(points).map(minuteRow));
    if (!points.length) return;
    this.#back.max = points.length - 1;
    for (const figure of this.#figures()) this.#draw(figure);
    this.#lookAt(this.#steps);
  }

  #figures() {
    return [...this.#part.querySelectorAll("[data-plot]")];
  }

  #draw(figure) {
    const { points, every } = this.#told;
    const plot = PLOTS[figure.dataset.plot];
    const times = points.map((point) => point.at);
    const span = spanOf(times);
    const lines = plot.series.map((key) => points.map((point) => valueOf(point, key)));
    const top = topOf(lines.flat(), plot.least);
    plot.series.forEach((key, index) => {
      const d = path(times, lines[index], { top, span, gap: 2.5 * every });
      figure.querySelector(`[data-series=${key}]`).setAttribute("d", d);
    });
    figure.querySelector("[data-fill=top]").textContent = inWords(plot.series[0], top);
    figure.querySelector("[data-fill=span]").textContent = `${duration(span)} ago`;
    const title = figure.querySelector(".plot__title").textContent;
    figure.querySelector("svg").setAttribute("aria-label", spoken(title, plot, points));
  }

  /** Show the values of `steps` points ago; 0 is now, and stays now. */
  #lookAt(steps) {
    if (!this.#told?.points.length) return;
    const { points } = this.#told;
    this.#steps = Math.min(Number(this.#back.value), points.length - 1);
    const point = points[Math.max(0, points.length - 1 - steps)];
    for (const slot of this.#part.querySelectorAll("[data-value]")) {
      slot.textContent = inWords(slot.dataset.value, valueOf(point, slot.dataset.value));
    }
    const x = this.#xOf(point);
    const d = steps ? `M${x} 0V${HEIGHT}` : "";
    for (const cursor of this.#part.querySelectorAll("[data-part=cursor]")) cursor.setAttribute("d", d);
    const moment = steps ? `at ${CLOCK.format(point.at * 1000)}` : "now";
    this.#part.querySelector("[data-fill=moment]").textContent = moment;
    this.#back.setAttribute("aria-valuetext", moment);
  }

  #onPointer(svg, { clientX }) {
    const points = this.#told?.points;
    if (!points?.length) return;
    const box = svg.getBoundingClientRect();
    const x = (WIDTH * (clientX - box.left)) / box.width;
    const distances = points.map((point) => Math.abs(this.#xOf(point) - x));
    this.#lookAt(points.length - 1 - distances.indexOf(Math.min(...distances)));
  }

  #xOf(point) {
    const times = this.#told.points.map(({ at }) => at);
    return xOf(point.at, times.at(-1), spanOf(times));
  }

  #fill(name, rows) {
    const list = this.#part.querySelector(`[data-list=${name}]`);
    const columns = Array.from(list.closest("table").tHead.rows[0].cells, columnName);
    for (const { cells } of rows) columns.forEach((column, place) => { cells[place].dataset.column = column; });
    list.replaceChildren(...rows);
    const none = this.#part.querySelector(`[data-none=${name}]`);
    if (none) none.hidden = rows.length > 0;
  }

  #say(text) {
    const status = this.#part.querySelector("[data-fill=status]");
    if (status.textContent !== text) status.textContent = text;
  }
}

/** Without the places where it may be broken. */
const columnName = (head) => head.textContent.replaceAll("\u00ad", "");

new Ops().start();
