/**
 * What pages ask the worker for. Each question comes with a port for the answer.
 *
 *   present   { row, before }  show this row: the page that received it is hidden
 *   hand-over                  try to hand the pending subscription over
 */
import { deliverPending } from "./subscription.js";
import { present } from "./screen.js";

const ANSWERS = {
  "present": ({ row, before }) => present(row, before),
  "hand-over": () => deliverPending(),
};

export async function onMessage({ data, ports: [port] }) {
  const done = await attempt(ANSWERS[data?.type], data);
  port?.postMessage(done);
}

async function attempt(work, data) {
  if (!work) return false;
  try {
    await work(data);
    return true;
  } catch {
    return false;
  }
}
