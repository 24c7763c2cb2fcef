/**
 * RFC 8291 by hand: this page joins the run as a lab device, and decrypts what the run really sends to
 * it, value by value. One byte can be changed at a time, to see where it fails.
 *
 * Hooks for tests: `data-state` of the parts: lab-device (alone, joining, joined, failed), message
 * (alone, waiting, filled); `data-outcome` of the message: opens, harmless, fails; `data-posted`: same
 * when the App Server's journal has the very same bytes. Buttons carry `data-action`: join, leave,
 * restore; groups of bytes `data-input-part`. See also byte_grid.js, derivation.js.
 */
import { post } from "pushlab/shared/api.js";
import { toBase64url } from "pushlab/shared/keys.js";
import { Run } from "../run.js";
import { ByteGrid } from "./byte_grid.js";
import { differing, entries } from "./derivation.js";
import { LabDevice } from "./lab_device.js";
import { decrypt, partsOf } from "./rfc8291.js";
import { fill, hex, hexOf, make, part, said } from "./view.js";
import { INPUTS } from "./words.js";

/** The bit that a click flips. */
const FLIP = 0x10;

class Encryption {
  #device = part("lab-device");
  #message = part("message");
  #status = this.#device.querySelector("[data-fill=status]");
  #run = new Run(part("encryption"));
  #joined = null;
  /** The message's body and the receiver's values, unchanged; the steps they lead to; what is changed. */
  #inputs = null;
  #right = null;
  #grids = new Map();
  #change = null;

  start() {
    part("encryption").addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")?.dataset.action));
    this.#device.addEventListener("submit", (event) => this.#onSend(event));
    this.#run.onChange((events) => this.#onEvents(events ?? []));
    this.#run.start();
  }

  #onClick(action) {
    if (action === "join") this.#join();
    if (action === "leave") this.#leave();
    if (action === "restore" && this.#inputs) this.#apply(null);
  }

  // -- the device

  async #join() {
    this.#device.dataset.state = "joining";
    for (const step of this.#device.querySelectorAll("[data-done]")) step.dataset.done = "false";
    try {
      this.#joined = await LabDevice.join((name, device) => this.#onStep(name, device));
      this.#device.dataset.state = "joined";
      this.#message.dataset.state = "waiting";
      document.dispatchEvent(new CustomEvent("push:changed", { detail: "subscription" })); // the run has one more
    } catch (problem) {
      fill(this.#device, "problem", said(problem));
      this.#device.dataset.state = "failed";
    }
  }

  #onStep(name, { receiver, endpoint, connectionId }) {
    this.#device.querySelector(`[data-step-of-joining=${name}]`).dataset.done = "true";
    fill(this.#device, "public-key", hex(receiver.publicKey));
    fill(this.#device, "endpoint", endpoint ?? "");
    fill(this.#device, "connection-id", connectionId ?? "");
  }

  async #leave() {
    const leaving = this.#joined;
    this.#joined = null;
    await leaving.leave().catch(() => null); // it may have been signed out on the page of the devices
    this.#inputs = null;
    this.#device.dataset.state = "alone";
    this.#message.dataset.state = "alone";
    this.#status.textContent = "";
    this.#device.querySelector("[data-action=join]").focus();
  }

  async #onSend(event) {
    event.preventDefault();
    const title = event.target.elements.title.value;
    this.#status.textContent = "On its way…";
    try {
      await post("/api/notifications", { title, body: "Encrypted for a page that decrypts by hand.", navigate: "/codelab/bonnet/encryption" });
    } catch (problem) {
      this.#status.textContent = said(problem);
    }
  }

  // -- the message

  #onEvents(events) {
    const mine = events.some(({ kind, token }) => kind === "message.accepted" && token === this.#joined?.token);
    if (mine) this.#receive();
    if (this.#inputs) this.#comparePosted();
  }

  async #receive() {
    try {
      const device = this.#joined;
      const messages = await device.receive();
      if (!messages.length) return;
      await this.#show(messages.at(-1));
      await device.acknowledge(messages);
    } catch (problem) {
      this.#status.textContent = said(problem);
    }
  }

  async #show({ id, body }) {
    const { receiver } = this.#joined;
    this.#inputs = { body, auth: receiver.auth, "public-key": receiver.publicKey };
    this.#right = (await this.#decrypt(this.#inputs)).steps;
    fill(this.#message, "length", String(body.length));
    fill(this.#message, "id", id);
    this.#drawInputs();
    this.#comparePosted();
    this.#message.dataset.state = "filled";
    this.#status.textContent = "Received and decrypted below.";
    await this.#apply(null);
  }

  #drawInputs() {
    this.#grids.clear();
    const groups = [
      ...partsOf(this.#inputs.body).map(({ id, start, end }) => ({ id, input: "body", start, end })),
      { id: "public-key", input: "public-key", start: 0 },
      { id: "auth", input: "auth", start: 0 },
    ];
    const drawn = groups.map((group) => this.#drawGroup(group));
    this.#message.querySelector("[data-list=body]").replaceChildren(...drawn.slice(0, -2));
    this.#message.querySelector("[data-list=receiver]").replaceChildren(...drawn.slice(-2));
  }

  #drawGroup({ id, input, start, end }) {
    const { name, about } = INPUTS[id];
    const bytes = this.#inputs[input].slice(start, end);
    const grid = new ByteGrid(name, bytes, (place) => this.#toggle({ id, input, start, place }));
    this.#grids.set(id, grid);
    const group = make("section", `input-part input-part--${id}`);
    group.dataset.inputPart = id;
    group.append(make("h4", "input-part__name", name), make("p", "quiet", about), grid.element);
    return group;
  }

  #toggle(change) {
    const again = this.#change?.id === change.id && this.#change.place === change.place;
    return this.#apply(again ? null : change);
  }

  /** One byte is changed, or none; the former one is put right. */
  async #apply(change) {
    const inputs = Object.fromEntries(Object.entries(this.#inputs).map(([name, bytes]) => [name, bytes.slice()]));
    if (this.#change) this.#grids.get(this.#change.id)?.set(this.#change.place, this.#byteAt(this.#change));
    this.#change = change;
    if (change) {
      inputs[change.input][change.start + change.place] ^= FLIP;
      this.#grids.get(change.id).set(change.place, this.#byteAt(change) ^ FLIP);
    }
    const found = await this.#decrypt(inputs);
    if (this.#change !== change) return;
    this.#message.querySelector("[data-list=steps]").replaceChildren(...entries(this.#right, found));
    this.#message.dataset.outcome = found.failure ? "fails" : change ? "harmless" : "opens";
    const [outcome, reason] = change ? this.#consequence(change, found) : this.#result(found);
    fill(this.#message, "outcome", outcome);
    fill(this.#message, "reason", reason);
    this.#message.querySelector("[data-action=restore]").hidden = !change;
  }

  #byteAt = ({ input, start, place }) => this.#inputs[input][start + place];

  #decrypt(inputs) {
    const { privateKey } = this.#joined.receiver;
    return decrypt(inputs.body, { privateKey, publicKey: inputs["public-key"], auth: inputs.auth });
  }

  /** Of the message as it came: what is so, and why. */
  #result({ failure }) {
    return failure ? ["It does not open.", failure.why] : ["It opens.", "The last value below is what was sent, byte for byte."];
  }

  /** The same with one byte changed. */
  #consequence(change, found) {
    const { name, meaning } = INPUTS[change.id];
    const was = this.#byteAt(change);
    const what = `${name}: byte ${change.place + 1} was ${hexOf(was)} and is ${hexOf(was ^ FLIP)}.`;
    const wrong = differing(this.#right, found);
    const silent = wrong.length ? `Different now, without any error: ${wrong.join(", ")}.` : "";
    const failedAt = this.#right.find(({ id }) => id === found.failure?.at)?.name;
    const outcome = failedAt ? `It fails at “${failedAt}”.` : "It still opens.";
    return [`${what} ${outcome}`, [meaning, silent, found.failure?.why].filter(Boolean).join(" ")];
  }

  /** Whether these are the bytes that the App Server says it posted to this device. */
  #comparePosted() {
    const body = toBase64url(this.#inputs.body);
    const posted = this.#run.events.some(({ kind, detail }) => kind === "send.started" && detail.body === body);
    this.#message.dataset.posted = posted ? "same" : "unknown";
  }
}

new Encryption().start();
