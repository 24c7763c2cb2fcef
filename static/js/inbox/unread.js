/** The number of unread notifications: in the page's title, in the navigation, on the app's icon. */
import { inbox } from "pushlab/owner.js";
import { showBadge } from "pushlab/shared/badge.js";

export class Unread {
  #title = document.title;
  #count = document.querySelector("[data-fill=unread]");

  start() {
    document.addEventListener("push:unread", ({ detail }) => this.#show(detail));
  }

  #show(count) {
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
    if (this.#count) this.#count.textContent = count ? `${count} unread` : "";
    showBadge(inbox());
  }
}
