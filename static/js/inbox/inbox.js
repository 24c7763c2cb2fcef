/**
 * The inbox, rendered from IndexedDB whenever it changes, in every tab alike.
 *
 * Hooks for tests: `data-state` on the part is `loading`, `empty` or `filled`; each row has
 * `data-notification-id`, `data-state` (listed | claimed | shown) and `data-read` (true | false).
 * In: the DOM event `push:read` with a list of ids. Out: `push:unread` with the number of unread rows.
 */
import { inbox } from "pushlab/owner.js";
import { unread } from "pushlab/shared/badge.js";
import { markRead } from "pushlab/shared/read.js";
import { day, time } from "pushlab/moments.js";
import { fillExtras } from "./extras.js";

const PAGE = 50;

export class Inbox {
  #part = document.querySelector("[data-part=inbox]");
  #template = document.querySelector("#inbox-row-template");
  #limit = PAGE;
  #rows = [];
  #turn = Promise.resolve();

  start() {
    document.addEventListener("push:changed", ({ detail }) => this.#onChange(detail));
    document.addEventListener("push:read", ({ detail }) => this.#read(detail));
    this.#part?.addEventListener("click", (event) => this.#onClick(event));
    this.#render();
  }

  #onChange(what) {
    if (what === "inbox" || what === "device") this.#render();
  }

  /** One rendering after the other, so that an older reading never overwrites a newer one. */
  #render() {
    this.#turn = this.#turn.then(() => this.#draw()).catch((error) => this.#fail(error));
  }

  async #draw() {
    this.#rows = (await inbox()?.all()) ?? [];
    document.dispatchEvent(new CustomEvent("push:unread", { detail: unread(this.#rows) }));
    if (!this.#part) return;
    const list = this.#part.querySelector("[data-list]");
    reconcile(list, this.#rows.slice(0, this.#limit), (row) => this.#element(row));
    this.#part.dataset.state = this.#rows.length ? "filled" : inbox() ? "empty" : "loading";
    this.#part.querySelector("[data-action=older]").hidden = this.#rows.length <= this.#limit;
    this.#part.querySelector("[data-action=read-all]").hidden = unread(this.#rows) === 0;
  }

  #fail(error) {
    console.warn("pushlab: the inbox cannot be read:", error.message);
    if (this.#part) this.#part.dataset.state = "failed";
  }

  #element({ notification_id: id, state, data, created_at: at, read_at: readAt }) {
    const element = this.#template.content.cloneNode(true).firstElementChild;
    Object.assign(element.dataset, { notificationId: id, state, read: String(Boolean(readAt)) });
    fill(element, "title", data.title).href = new URL(data.navigate || "/", location.origin).href;
    for (const slot of element.querySelectorAll("[data-fill=whose]")) slot.textContent = data.title;
    element.querySelector("[data-fill=became]").href = `/notifications/${id}`;
    fill(element, "body", data.body);
    fillExtras(element, data);
    fill(element, "from", data.from ? `from ${data.from}` : "");
    const moment = fill(element, "time", `${day(at)} ${time(at)}`);
    moment.dateTime = at;
    element.querySelector("[data-action=read]").hidden = Boolean(readAt);
    return element;
  }

  #onClick(event) {
    const action = event.target.closest("[data-action]")?.dataset.action;
    const id = event.target.closest("[data-notification-id]")?.dataset.notificationId;
    if (action === "read" || action === "open") this.#read([id]);
    if (action === "read-all") this.#read(this.#rows.filter((row) => !row.read_at).map((row) => row.notification_id));
    if (action === "older") this.#older();
  }

  #older() {
    this.#limit += PAGE;
    this.#render();
  }

  #read(ids) {
    if (inbox()) markRead(inbox(), ids);
  }
}

function fill(element, name, text) {
  const target = element.querySelector(`[data-fill=${name}]`);
  target.textContent = text ?? "";
  return target;
}

/** Keep elements whose row did not change, so that focus and reading position stay. */
function reconcile(list, rows, make) {
  const old = new Map([...list.children].map((element) => [element.dataset.notificationId, element]));
  const wanted = rows.map((row) => {
    const fresh = make(row);
    const kept = old.get(row.notification_id);
    return kept?.isEqualNode(fresh) ? kept : fresh;
  });
  wanted.forEach((element, index) => {
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  while (list.children.length > wanted.length) list.lastElementChild.remove();
}
