/**
 * What pages ask the worker for. Each question comes with a port for the answer.
 *
 *   present   { row, before }  show this row: the page that received it is hidden
 *   hand-over                  try to hand the pending subscription over
 *   version                    which version this worker is of
 *   take-over                  be the worker of all pages, though the former one still has some
 */
import { deliverPending } from "./subscription.js";
import { present } from "./screen.js";
import { VERSION } from "./shell.js";

const ANSWERS = {
  "present": ({ row, before }) => present(row, before),
  "hand-over": () => deliverPending(),
  "version": () => VERSION,
  "take-over": () => self.skipWaiting(),
};

export async function onMessage({ data, ports: [port] }) {
  const done = await attempt(ANSWERS[data?.type], data);
  port?.postMessage(done);
}

async function attempt(work, data) {
  if (!work) return false;
  try {
    return (await work(data)) ?? true;
  } catch {
    return false;
  }
}
