/** Brings the inbox up to the server's list: what is missing here, what was read elsewhere, and what here. */
import { inbox } from "pushlab/owner.js";
import { get } from "pushlab/shared/api.js";
import { announce } from "pushlab/shared/changes.js";
import { tellRead } from "pushlab/shared/read.js";

/** How far back a device looks that has never seen the inbox. */
const DEPTH = 200;

/** Rejects never: without a connection the inbox is what it was. */
export async function sync() {
  const rows = inbox();
  if (!rows) return;
  try {
    await tellRead(rows);
    await bring(rows, await startOf(await rows.all()));
    announce("inbox");
  } catch (error) {
    console.info("pushlab: the inbox is as it was:", error.message);
  }
}

const list = (since, limit) => get(`/api/notifications?since=${since}&limit=${limit}`);

async function bring(rows, start) {
  for (let since = start, last = Infinity; since < last;) {
    const page = await list(since, DEPTH);
    await rows.list(page.notifications);
    if (!page.notifications.length) return;
    last = page.last_seq;
    since = Math.max(...page.notifications.map((row) => row.seq), last - DEPTH);
  }
}

/**
 * An empty inbox begins with the newest there are; any other with the oldest row that may have
 * changed (unread, or cut short by push) or else from the newest.
 * A user's numbers have no gaps, so fewer rows than numbers means that an earlier list never came.
 */
async function startOf(rows) {
  if (!rows.length) return Math.max(0, (await list(0, 0)).last_seq - DEPTH);
  const floor = Math.max(0, rows[0].seq - DEPTH);
  if (rows.filter((row) => row.seq > floor).length < rows[0].seq - floor) return floor;
  const open = rows.filter((row) => !row.read_at || row.cut).map((row) => row.seq - 1);
  return Math.max(floor, Math.min(rows[0].seq, ...open.slice(-1)));
}
