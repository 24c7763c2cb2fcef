/**
 * The rule of the screen, the same for page and worker: claim, show, set shown; whoever calls then
 * acknowledges. Whatever dies in between leaves a row that says how far it came, and nothing is
 * acknowledged that was not shown.
 */
import { announce } from "./changes.js";
import { reach } from "./faults.js";

/**
 * Receive rows into `inbox`. `show(row, before)` puts one on the screen; `before` is "new",
 * "claimed" (its receiver may have died: show again, under the same tag) or "shown".
 * Resolves with the ids that may be acknowledged.
 */
export async function receive(rows, inbox, show) {
  const ids = rows.map((row) => row.notification_id);
  const before = await inbox.claim(rows);
  await reach("claimed");
  for (const row of rows) await show(row, before.get(row.notification_id));
  await reach("shown");
  await inbox.markShown(ids);
  announce("inbox");
  await reach("before-ack");
  return ids;
}
