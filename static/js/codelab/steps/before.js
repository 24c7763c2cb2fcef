/**
 * Whether this device was subscribed before the run began. Then steps 2 to 6 stay open beside a card
 * that says "On", and the card says how to see them happen.
 *
 * Hook for tests: `data-before` on the push card, `true` or `false`. Only what is on looks at it.
 */
const SUBSCRIBE = 3;

export class Before {
  #card = document.querySelector("[data-part=push-card]");

  /** By this look (see look.js); a page may have no card. */
  start(look) {
    if (this.#card) look.onChange(() => this.#show(look));
  }

  #show(look) {
    const before = String(!look.judge(SUBSCRIBE).done);
    if (this.#card.dataset.before !== before) this.#card.dataset.before = before;
  }
}
