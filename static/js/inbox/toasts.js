/**
 * Short messages at the edge of the page. Everything in them is also somewhere else (the inbox, the
 * form), so they go by themselves: not while pointed at or focused, nor while nobody looks.
 *
 * A newer notification takes the place of one with the same tag, as on the system's screen.
 *
 * In: `showNotification(row)` and the DOM event `push:toast` with `{ title, body }`.
 * Hook for tests: `data-notification-id` on the toast of a notification.
 */
import { fillExtras } from "./extras.js";

const AT_MOST = 3;
const STAY = 8_000;

export class Toasts {
  #list = document.querySelector("[data-part=toasts]");
  #template = document.querySelector("#toast-template");
  #seen = new Set();

  start() {
    document.addEventListener("push:toast", ({ detail }) => this.#show(detail));
    document.addEventListener("push:expired", ({ detail }) => this.#show({ title: expired(detail) }));
  }

  /** The same notification twice is one toast. Was it new? */
  showNotification({ notification_id: id, data }) {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    this.#show({ ...data, id });
    return true;
  }

  #show(content) {
    const toast = this.#element(content);
    for (const old of [...this.#list.children]) {
      if (content.tag && old.dataset.tag === content.tag) old.remove();
    }
    this.#list.append(toast);
    while (this.#list.children.length > AT_MOST) this.#list.firstElementChild.remove();
    this.#goLater(toast);
  }

  #element({ title, body = "", navigate, id, tag, ...extras }) {
    const toast = this.#template.content.cloneNode(true).firstElementChild;
    toast.querySelector("[data-fill=title]").textContent = title;
    toast.querySelector("[data-fill=body]").textContent = body;
    if (id) toast.dataset.notificationId = id;
    if (tag) toast.dataset.tag = tag;
    toast.querySelector("button").addEventListener("click", () => toast.remove());
    fillExtras(toast, extras);
    this.#link(toast, navigate, id);
    return toast;
  }

  #link(toast, navigate, id) {
    const links = toast.querySelector(".toast__links");
    if (!navigate) return links.remove();
    links.querySelector("a").href = new URL(navigate, location.origin).href;
    links.addEventListener("click", ({ target }) => target.closest("a") && markRead(id));
  }

  #goLater(toast) {
    setTimeout(() => {
      if (document.hidden || toast.matches(":hover, :focus-within")) this.#goLater(toast);
      else toast.remove();
    }, STAY);
  }
}

const markRead = (id) => document.dispatchEvent(new CustomEvent("push:read", { detail: [id] }));

const expired = (count) =>
  count === 1 ? "One notification expired while you were away" : `${count} notifications expired while you were away`;
