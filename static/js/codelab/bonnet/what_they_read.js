/**
 * The run's last message from both sides: what the push service's own journal says of it, and what it
 * says to its receiver.
 *
 * Hooks for tests: `data-state` on the part: loading, empty, filled, failed; the lists `sees`, `hidden`
 * and `findings`. `data-action`: send.
 */
import { get, post } from "pushlab/shared/api.js";
import { fromBase64url } from "pushlab/shared/keys.js";
import { Run } from "../run.js";
import { findings, hidden, seen } from "./reading.js";
import { fill, make, part, said } from "./view.js";

const LATER = ["message.delivered", "message.acknowledged"];
/** Milliseconds to wait for the journals' first words, for an empty one says nothing; and until the next try. */
const PATIENCE = 2_500;

class WhatTheyRead {
  #part = part("reading");
  #run = new Run(this.#part);
  #shown = "";
  #turn = Promise.resolve();

  start() {
    this.#part.addEventListener("click", ({ target }) => target.closest("[data-action=send]") && this.#send());
    this.#run.onChange(() => this.#look());
    this.#run.start();
    new MutationObserver(() => this.#look()).observe(this.#part, { attributeFilter: ["data-push-service"] });
    setTimeout(() => this.#look({ settled: true }), PATIENCE);
  }

  /** One look after the other. */
  #look({ settled = false } = {}) {
    this.#turn = this.#turn.then(() => this.#show(settled)).catch(() => this.#onFailed());
  }

  #onFailed() {
    if (!this.#shown) this.#part.dataset.state = "failed";
    setTimeout(() => this.#look(), PATIENCE);
  }

  async #show(settled) {
    const { events } = this.#run;
    const answer = events.findLast(({ kind, message_url: url, notification_id: id }) => kind === "send.answered" && url && id && acceptedAs(url, events));
    if (!answer) return this.#showNone(settled);
    const accepted = acceptedAs(answer.message_url, events);
    const about = events.filter(({ source, message_id: id }) => source === "push-service" && id === accepted.message_id);
    const later = about.filter(({ kind }) => LATER.includes(kind));
    const state = `${accepted.message_id} ${later.length}`;
    if (state === this.#shown) return;
    const { data } = await get(`/api/notifications/${encodeURIComponent(answer.notification_id)}`);
    const created = events.find(({ kind, token }) => kind === "subscription.created" && token === accepted.token);
    const bytes = fromBase64url(accepted.detail.ciphertext);
    fill(this.#part, "message-id", accepted.message_id);
    this.#fillList("sees", seen({ accepted, created, later, bytes }));
    this.#fillList("hidden", hidden(data, answer.notification_id));
    this.#fillList("findings", (await findings(data, bytes)).map((text) => make("li", "", text)));
    this.#shown = state;
    this.#part.dataset.state = "filled";
  }

  #showNone(settled) {
    if (this.#part.dataset.pushService === "closed") this.#part.dataset.state = "failed";
    else if (settled || this.#part.dataset.state !== "loading") this.#part.dataset.state = "empty";
  }

  #fillList(name, entries) {
    this.#part.querySelector(`[data-list=${name}]`).replaceChildren(...entries);
  }

  async #send() {
    const answer = await post("/api/notifications", { title: "Nobody on the way can read this", body: "Not even the push service.", navigate: "/codelab/bonnet/what-they-read" })
      .then(({ subscriptions }) => (subscriptions ? "On its way…" : "Sent, but no device of yours can be reached by push yet."), said);
    fill(this.#part, "status", answer);
  }
}

/** The push service's event for the message with that Location. */
function acceptedAs(url, events) {
  return events.find(({ kind, message_id: id, detail }) => kind === "message.accepted" && url.endsWith(`/${id}`) && detail.ciphertext);
}

new WhatTheyRead().start();
