/**
 * The inbox of one device, in the database `pushlab-<connection_id>`, keyed by `notification_id`.
 * The name carries the connection: what belongs to somebody else is in another database.
 *
 *   row    { notification_id, seq, data, created_at, read_at, untold, cut, state }
 *   state  listed    known from the server's list; this device was not told about it (no alert yet)
 *          claimed   somebody (page or worker) is about to show it, or died while at it
 *          shown     it has been on this device's screen
 *   untold read here, and the server does not know it yet (see read.js)
 *
 * `listed` makes the order of list and delivery irrelevant: a notification that a list brought first
 * still alerts when it is delivered.
 */
import { deleteDatabases, open, transact } from "./database.js";

const PREFIX = "pushlab-";
const DEVICE = "pushlab-device";
const STORE = "notifications";

/** Delete the inboxes of every connection but this one (null: all of them). */
export const deleteOthers = (connectionId) =>
  deleteDatabases((name) => name.startsWith(PREFIX) && name !== DEVICE && name !== PREFIX + connectionId);

export class InboxRows {
  #name;

  constructor(connectionId) {
    this.#name = PREFIX + connectionId;
  }

  /** Claim rows for showing. Map of id to what it was before: "new", "claimed" or "shown". */
  claim(rows) {
    return this.#write((store, before) => rows.forEach((row) => claimOne(store, row, before)));
  }

  markShown(ids) {
    return this.#change(ids, (row) => ({ ...row, state: "shown" }));
  }

  markRead(ids, readAt) {
    return this.#change(ids, (row) => row.read_at ? null : { ...row, read_at: readAt, untold: true });
  }

  markTold(ids) {
    return this.#change(ids, (row) => ({ ...row, untold: false }));
  }

  /** Take in what the server lists: new rows as `listed`; of known ones the text and `read_at`. */
  list(rows) {
    return this.#write((store) => rows.forEach((row) => listOne(store, row)));
  }

  /** All rows, the newest first. */
  async all() {
    const rows = await transact(await this.#open(), STORE, "readonly", (store) => store.getAll());
    return rows.sort((a, b) => b.seq - a.seq);
  }

  /** Forget rows older than `moment` (ISO text). */
  prune(moment) {
    return this.#write((store) => eachRow(store, (row) => row.created_at < moment && store.delete(row.notification_id)));
  }

  async #write(work) {
    const outcome = new Map();
    await transact(await this.#open(), STORE, "readwrite", (store) => work(store, outcome));
    return outcome;
  }

  #change(ids, change) {
    return this.#write((store) => {
      for (const id of ids) update(store, id, (row) => row && change(row));
    });
  }

  #open() {
    return open(this.#name, (db) => db.createObjectStore(STORE, { keyPath: "notification_id" }));
  }
}

/** `add()` decides the race between page and worker: the second one gets a ConstraintError. */
function claimOne(store, row, before) {
  const id = row.notification_id;
  const adding = store.add({ read_at: null, ...row, state: "claimed" });
  adding.onsuccess = () => before.set(id, "new");
  adding.onerror = (event) => {
    event.preventDefault();
    event.stopPropagation();
    update(store, id, (old) => {
      before.set(id, old.state === "listed" ? "new" : old.state);
      return old.state === "listed" ? { ...old, state: "claimed" } : null;
    });
  };
}

function listOne(store, row) {
  update(store, row.notification_id, (old) =>
    old ? { ...old, data: row.data, read_at: row.read_at ?? old.read_at, cut: false } : { ...row, state: "listed" });
}

/** Put back what `change(row or undefined)` returns, unless it returns nothing. */
function update(store, id, change) {
  const reading = store.get(id);
  reading.onsuccess = () => {
    const row = change(reading.result);
    if (row) store.put(row);
  };
}

function eachRow(store, work) {
  const reading = store.getAll();
  reading.onsuccess = () => reading.result.forEach(work);
}
