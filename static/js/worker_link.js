/**
 * The page's line to its service worker: registers it, asks it things, and answers when it asks
 * whether a visible page takes a notification.
 */
import { inbox } from "pushlab/owner.js";

const PATIENCE = 5_000;

export class WorkerLink {
  #screen;

  constructor(screen) {
    this.#screen = screen;
  }

  start() {
    if (!navigator.serviceWorker) return;
    navigator.serviceWorker.addEventListener("message", (event) => this.#onQuestion(event));
    navigator.serviceWorker.startMessages();
    register().catch((error) => console.warn("pushlab: no service worker:", error.message));
  }

  #onQuestion({ data, ports: [port] }) {
    if (data?.type !== "present") return;
    const takes = !document.hidden && inbox() !== null;
    if (takes) this.#screen.showHere(data.row, data.before);
    port.postMessage(takes);
  }
}

/** Resolves with the registration once a worker is active; rejects when the browser gets none. */
export async function register() {
  const registration = await navigator.serviceWorker.register("/service-worker.js", { type: "module", scope: "/" });
  if (!registration.active) await activation(registration.installing ?? registration.waiting);
  return registration;
}

function activation(worker) {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("The service worker could not be installed."));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

/**
 * Ask the active worker, or another one (see worker/messages.js). False when there is none, or it
 * cannot, or it is silent.
 */
export async function ask(question, other = null) {
  const worker = other ?? (await navigator.serviceWorker?.getRegistration())?.active;
  if (!worker) return false;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(question, [port2]);
    setTimeout(() => resolve(false), PATIENCE);
  });
}
