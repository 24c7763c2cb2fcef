/**
 * "Do it now": what the buttons of the steps do, with the interfaces that every page uses. Nothing of
 * it counts as having happened; that is for the journal to say.
 *
 * Hooks for tests: buttons carry `data-action`: ask-key, list-devices, send (with `data-wait`, seconds).
 */
import { get, post } from "pushlab/shared/api.js";
import { report } from "pushlab/shared/journal.js";
import { fromBase64url } from "pushlab/shared/keys.js";
import { serverKey } from "pushlab/shared/push_manager.js";

export class Actions {
  #page = document.querySelector("[data-part=step]");
  #actions = {
    "ask-key": () => this.#askKey(),
    "list-devices": () => this.#listDevices(),
    "send": ({ wait }) => this.#send(Number(wait ?? 0)),
  };

  start() {
    this.#page.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")));
  }

  async #onClick(button) {
    const work = this.#actions[button?.dataset.action];
    if (!work) return;
    button.setAttribute("aria-busy", "true");
    this.#say("");
    this.#say(await work(button.dataset).catch((problem) => `${problem.message} ${problem.wayOn ?? ""}`));
    button.removeAttribute("aria-busy");
  }

  async #askKey() {
    const key = await serverKey();
    const bytes = new Uint8Array(fromBase64url(key));
    report("vapid.key-received", { step: 1, summary: "The page has the public key", detail: { public_key: key } });
    this.#list([
      ["Public key", key],
      ["Bytes", `${bytes.length}, the first is ${bytes[0].toString(16).padStart(2, "0")}`],
      ["Private key", "not in the answer"],
    ]);
    return "";
  }

  async #listDevices() {
    const { devices } = await get("/api/devices");
    this.#list(devices.map(({ name, push, this_device: own }) => [own ? `${name} (this one)` : name, push ? "reachable by push" : "no push"]));
    return devices.length ? "" : "The server knows no device of yours yet.";
  }

  async #send(wait) {
    const later = wait && { deliver_at: new Date(Date.now() + wait * 1000).toISOString() };
    const { devices, subscriptions } = await post("/api/notifications", {
      title: `Step ${this.#page.dataset.step}: ${wait ? "right on time" : "hello from yourself"}`,
      body: "This came the whole way.",
      navigate: location.pathname,
      ...later,
    });
    if (wait) return `It comes in ${wait} seconds.`;
    const pushed = subscriptions ? `${subscriptions} by push` : "none by push: subscribe first, in step 3";
    return `Stored for ${devices} ${devices === 1 ? "device" : "devices"}, ${pushed}.`;
  }

  #list(rows) {
    const result = this.#page.querySelector("[data-part=result]");
    result.querySelector("[data-list]").replaceChildren(...rows.flatMap(([term, text]) => [make("dt", term), make("dd", text)]));
    result.hidden = rows.length === 0;
  }

  #say(text) {
    this.#page.querySelector("[data-fill=status]").textContent = text;
  }
}

function make(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
