/**
 * Named fault points of the client and the worker. `await reach("claimed")` does nothing, unless the
 * lab armed the point: then it tells the journal and never resolves, so that a test (or a learner)
 * can end the browser exactly there. A point fires once.
 *
 *   claimed      the inbox row is claimed, nothing is on the screen
 *   shown        it is on the screen, the row still says `claimed`
 *   before-ack   the row says `shown`, nothing is acknowledged
 *
 * Armed names may carry the actor, "client:claimed" or "service-worker:claimed"; without it, whoever
 * comes first stops. Arm from a page by the DOM event `push:fault` with the name as its detail.
 */
import { read, update } from "./device.js";
import { ACTOR, report } from "./journal.js";

export async function arm(name) {
  if (await read("lab")) await update("faults", (armed) => [...(armed ?? []), name]);
}

export async function reach(point) {
  const armed = (await read("faults")) ?? [];
  const name = armed.find((each) => each === point || each === `${ACTOR}:${point}`);
  if (!name || !(await read("lab"))) return;
  await update("faults", (names) => names.filter((each) => each !== name));
  await report("fault.reached", { summary: `Stopped at the fault point “${point}”`, detail: { point } });
  await new Promise(() => {});
}
