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
import { deviceElement, sentence } from "./device_element.js";

/** Milliseconds between two looks at who is online. */
const LOOK = 15_000;

class Devices {
  #part = document.querySelector("[data-part=devices]");
  #list = this.#part.querySelector("[data-list]");
  #failing = false;

  start() {
    this.#part.addEventListener("click", (event) => this.#onClick(event));
    this.#part.addEventListener("submit", (event) => this.#onRename(event));
    document.addEventListener("push:changed", ({ detail }) => this.#onChange(detail));
    document.addEventListener("push:socket", ({ detail }) => detail === "open" && this.#load());
    setInterval(() => document.hidden || this.#load(), LOOK);
    this.#load();
  }

  #onChange(what) {
    if (["devices", "device", "subscription"].includes(what)) this.#load();
  }

  /** A list that somebody is working in is left alone; their action loads it again. */
  async #load() {
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
    if (focused) this.#list.querySelector(focused)?.focus();
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
      "cancel": () => this.#leaveEditing(device),
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

  #leaveEditing(device) {
    device.removeAttribute("data-editing");
    device.removeAttribute("data-asking");
    device.querySelector("[data-action=rename]").focus();
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
      await work(device.dataset.connectionId);
      this.#leaveEditing(device);
      this.#say(sentence(action, device.dataset.name));
      await this.#load();
      return true;
    } catch (problem) {
      this.#say(problem.errors[0]?.reason ?? `${problem.message} ${problem.wayOn}`);
      return false;
    }
  }

  #say(text) {
    this.#part.querySelector("[data-fill=status]").textContent = text;
  }
}

/** A selector that finds the focused button again in the next list, or null. */
function focusIn(list) {
  const action = list.contains(document.activeElement) && document.activeElement.dataset.action;
  if (!action) return null;
  const id = document.activeElement.closest("[data-connection-id]").dataset.connectionId;
  return `[data-connection-id="${CSS.escape(id)}"] [data-action="${action}"]`;
}

new Devices().start();
