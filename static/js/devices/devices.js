/**
 * "Your devices": the server's list, fetched again whenever it says that something changed. Who is
 * online changes without a word (a hint to everybody at each connection would be dear), so a page that
 * somebody looks at also asks now and then.
 *
 * Hooks for tests: `data-state` on the part is `loading`, `filled`, `empty` or `failed`; each device
 * has `data-connection-id`, `data-online`, `data-push`, `data-muted`, `data-this-device`;
 * `data-editing` while it is being renamed, `data-asking` (mute, sign-out, lost) while a question about
 * it is open. Buttons carry `data-action`: rename, cancel, test, ask-mute, mute, unmute, sign-out,
 * lost, confirm, again.
 */
import { get, patch, post, put, remove } from "pushlab/shared/api.js";
import { oneAtATime } from "pushlab/shared/one_at_a_time.js";
import { deviceElement, sentence } from "./device_element.js";

/** Milliseconds between two looks at who is online. */
const LOOK = 15_000;
/** The button that opens each question. */
const OPENERS = { "mute": "ask-mute", "sign-out": "sign-out", "lost": "lost" };
/** Buttons that take each other's place. */
const TWINS = { "ask-mute": "unmute", "unmute": "ask-mute" };

class Devices {
  #part = document.querySelector("[data-part=devices]");
  #list = this.#part.querySelector("[data-list]");
  #status = this.#part.querySelector("[data-fill=status]");
  #failing = false;
  #load = oneAtATime(() => this.#bring());

  start() {
    this.#part.addEventListener("click", (event) => this.#onClick(event));
    this.#part.addEventListener("submit", (event) => this.#onRename(event));
    this.#part.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("push:changed", ({ detail }) => this.#onChange(detail));
    document.addEventListener("push:socket", ({ detail }) => detail === "open" && this.#load());
    setInterval(() => document.hidden || this.#load(), LOOK);
    this.#load();
  }

  #onChange(what) {
    if (["devices", "device", "subscription"].includes(what)) this.#load();
  }

  /** A list that somebody is working in is left alone; their action loads it again. */
  async #bring() {
    try {
      const { devices } = await get("/api/devices");
      if (this.#failing) this.#say("");
      this.#failing = false;
      if (!this.#list.querySelector("[data-editing], [data-asking]")) this.#show(devices);
    } catch (problem) {
      this.#fail(problem);
    }
  }

  #show(devices) {
    const focused = focusIn(this.#list);
    this.#part.dataset.state = devices.length ? "filled" : "empty";
    this.#list.replaceChildren(...devices.map(deviceElement));
    if (focused) this.#focusAgain(focused);
  }

  /** On the same button; where it went with its device, on the sentence that says so. */
  #focusAgain({ id, action }) {
    const device = this.#list.querySelector(`[data-connection-id="${CSS.escape(id)}"]`);
    const buttons = [action, TWINS[action]].map((name) => device?.querySelector(`[data-action="${name}"]`));
    (buttons.find((button) => button?.checkVisibility()) ?? this.#status).focus();
  }

  #fail(problem) {
    this.#failing = true;
    if (!this.#list.children.length) this.#part.dataset.state = "failed";
    this.#say(`${problem.message} ${problem.wayOn}`);
  }

  #onClick(event) {
    const action = event.target.closest("[data-action]")?.dataset.action;
    const device = event.target.closest("[data-connection-id]");
    const actions = {
      "again": () => this.#load(),
      "rename": () => this.#edit(device),
      "cancel": () => this.#close(device),
      "test": () => this.#do(device, "test", (id) => post(`/api/devices/${id}/test`)),
      "ask-mute": () => this.#ask(device, "mute"),
      "sign-out": () => this.#ask(device, "sign-out"),
      "lost": () => this.#ask(device, "lost"),
      "mute": () => this.#mute(device, event.target.closest("button").dataset.seconds),
      "unmute": () => this.#do(device, "unmute", (id) => remove(`/api/devices/${id}/mute`)),
      "confirm": () => this.#signOut(device),
    };
    actions[action]?.();
  }

  #edit(device) {
    device.toggleAttribute("data-editing", true);
    const name = device.querySelector("input");
    name.value = device.dataset.name;
    name.select();
  }

  #onKey({ key, target }) {
    const device = target.closest("[data-editing], [data-asking]");
    if (key === "Escape" && device) this.#close(device);
  }

  /** The focus returns to the button that opened what is closed now. */
  #close(device) {
    const opener = device.hasAttribute("data-editing") ? "rename" : OPENERS[device.dataset.asking];
    device.removeAttribute("data-editing");
    device.removeAttribute("data-asking");
    if (opener) device.querySelector(`[data-action=${opener}]`).focus();
  }

  #onRename(event) {
    event.preventDefault();
    const device = event.target.closest("[data-connection-id]");
    const name = device.querySelector("input").value.trim();
    this.#do(device, "rename", (id) => patch(`/api/devices/${id}`, { name }));
  }

  #ask(device, question) {
    device.dataset.asking = question;
    device.querySelector(`[data-panel=${question}] button`).focus();
  }

  /** Without a number of seconds: until somebody turns it on again. */
  #mute(device, seconds) {
    const body = { seconds: seconds ? Number(seconds) : null };
    this.#do(device, "mute", (id) => put(`/api/devices/${id}/mute`, body));
  }

  async #signOut(device) {
    const done = await this.#do(device, "sign-out", (id) => remove(`/api/devices/${id}`));
    const here = device.dataset.thisDevice === "true";
    if (done && here) document.dispatchEvent(new CustomEvent("push:signed-out"));
  }

  async #do(device, action, work) {
    try {
      const answer = await work(device.dataset.connectionId);
      this.#close(device);
      this.#say(sentence(action, device.dataset.name, answer));
      await this.#load();
      return true;
    } catch (problem) {
      this.#say(problem.errors[0]?.reason ?? `${problem.message} ${problem.wayOn}`);
      return false;
    }
  }

  #say(text) {
    this.#status.textContent = text;
  }
}

/** Device and action of the focused button, or null. */
function focusIn(list) {
  const action = list.contains(document.activeElement) && document.activeElement.dataset.action;
  if (!action) return null;
  return { id: document.activeElement.closest("[data-connection-id]").dataset.connectionId, action };
}

new Devices().start();
