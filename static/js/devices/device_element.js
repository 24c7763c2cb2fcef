/** One device as an element, from the template of the page. */
import { ago, day, time } from "pushlab/moments.js";
import { muted } from "./muted.js";

const template = document.querySelector("#device-template");

const SENTENCES = {
  "rename": () => "Renamed.",
  "test": (name, { muted_until: muted }) => (muted
    ? `${name} is muted: a test notification goes to its inbox, and nothing alerts.`
    : `A test notification is on its way to ${name}.`),
  "sign-out": (name) => `${name} is signed out.`,
  "mute": (name) => `${name} is muted.`,
  "unmute": (name) => `${name} alerts again.`,
};

/** What to say when an action on the device called `name` went well, and what the server said to it. */
export const sentence = (action, name, answer) => SENTENCES[action](name, answer);

export function deviceElement(device) {
  const element = template.content.cloneNode(true).firstElementChild;
  Object.assign(element.dataset, {
    connectionId: device.connection_id,
    name: device.name,
    online: device.online,
    push: device.push,
    thisDevice: device.this_device,
    muted: device.muted_until !== null,
  });
  const texts = {
    name: device.name,
    browser: device.browser === device.name ? "" : device.browser,
    presence: presence(device),
    push: push(device),
    pending: pending(device),
    mute: muted(device.muted_until),
    held: held(device),
  };
  for (const [name, text] of Object.entries(texts)) element.querySelector(`[data-fill=${name}]`).textContent = text;
  element.querySelector("[data-only=this-device]").hidden = !device.this_device;
  label(element, device);
  return element;
}

/** Buttons that read alike in every row say to a screen reader which row they are of. */
function label(element, { connection_id: id, name }) {
  for (const slot of element.querySelectorAll("[data-fill=whose]")) slot.textContent = name;
  const input = element.querySelector("input");
  input.id = `name-${id}`;
  element.querySelector("label").htmlFor = input.id;
}

const presence = ({ online, last_seen_at: at }) => (online ? "Online now" : `Last seen ${at ? ago(at) : "never"}`);

function push({ push: subscribed, push_last_status: status }) {
  if (!subscribed) return "No push";
  return status && status >= 400 ? `Push, refused last time (${status})` : "Push";
}

function pending({ pending: count }) {
  if (!count) return "Nothing waiting";
  return count === 1 ? "1 notification waiting" : `${count} notifications waiting`;
}

/** What nobody can call back, and when it ends by itself. */
function held({ push: subscribed, held: count, held_until: until }) {
  if (!subscribed) return "";
  if (!count) return "Its push service holds nothing for it that is not acknowledged.";
  const messages = count === 1 ? "1 message" : `${count} messages`;
  return `Its push service still holds ${messages}, encrypted for that browser. Should it go online, it shows them; at the latest ${day(until)} at ${time(until)} they are dropped.`;
}
