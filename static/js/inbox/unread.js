/** The number of unread notifications: in the page's title, in the navigation, on the app's icon. */
import { showBadge } from "pushlab/shared/badge.js";

export class Unread {
  #title = document.title;
  #count = document.querySelector("[data-part=unread]");

  start() {
    document.addEventListener("push:unread", ({ detail }) => this.#show(detail));
  }

  #show(count) {
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
    this.#mark(count);
    showBadge(count);
  }

  #mark(count) {
    if (!this.#count) return;
    this.#count.hidden = count === 0;
    this.#count.querySelector("[data-fill=unread]").textContent = count;
  }
}
