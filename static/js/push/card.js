/**
 * The push card: shows the part of it that belongs to the state and fills in what is known.
 *
 * Hook for tests: `data-state` on the card is one of the states of states.js.
 * Buttons carry `data-action`: enable, disable, retry, anew.
 */
import { browserFamily } from "./environment.js";
import { hintOf } from "./refusals.js";

export class PushCard {
  #card = document.querySelector("[data-part=push-card]");

  start() {
    if (!this.#card) return;
    document.addEventListener("push:state", ({ detail }) => this.#show(detail));
    this.#card.addEventListener("click", (event) => this.#onClick(event));
    for (const steps of this.#card.querySelectorAll("[data-family]")) {
      steps.hidden = !steps.dataset.family.split(" ").includes(browserFamily());
    }
  }

  #onClick(event) {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action) document.dispatchEvent(new CustomEvent(`push:${action}`));
  }

  #show({ state, subscription, error, retryAt }) {
    const focused = this.#card.contains(document.activeElement);
    this.#card.dataset.state = state;
    for (const part of this.#card.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(state);
    }
    if (focused) this.#keepFocus();
    if (subscription) this.#fillSubscription(subscription);
    this.#fill("error", error ? wordsOf(error) : "");
    this.#fill("way-on", error ? error.wayOn ?? hintOf(error) : "");
    this.#fill("retry", retryAt ? `Next try in ${Math.max(1, Math.round((retryAt - Date.now()) / 1000))} s.` : "");
  }

  /** The button that was pressed went with its state: the next one is where the reader goes on. */
  #keepFocus() {
    const all = [document.activeElement, ...this.#card.querySelectorAll("[data-action], h2")];
    const seen = all.filter((each) => each.checkVisibility());
    (seen.includes(document.activeElement) ? document.activeElement : seen.find(isButton) ?? seen[0])?.focus();
  }

  #fillSubscription(subscription) {
    const { endpoint, keys } = subscription.toJSON();
    this.#fill("endpoint", endpoint);
    this.#fill("push-service", new URL(endpoint).host);
    this.#fill("p256dh", shorten(keys.p256dh));
    this.#fill("auth", shorten(keys.auth));
  }

  #fill(name, text) {
    for (const target of this.#card.querySelectorAll(`[data-fill=${name}]`)) target.textContent = text;
  }
}

const isButton = (element) => element.dataset.action !== undefined;

/** The browser's own words matter here: they are what one searches for. */
const wordsOf = (error) =>
  error.status === undefined ? `${error.name}: ${error.message}` : error.message.replace(/[^.!?]$/, "$&.");

/** Keys are tokens on the page: enough to compare, too little to use. */
const shorten = (key) => `${key.slice(0, 6)}…${key.slice(-4)}`;
