/**
 * What this browser knows about itself as a device, in the database `pushlab-device`: a few named
 * facts that the page writes and the worker reads when it wakes with no page open.
 *
 *   connection_id  whose screen this is; null when nobody is signed in
 *   user           the name of who is signed in
 *   lab            whether the server is in lab mode
 *   pending        a subscription that the server does not have yet (see handover.js)
 *   known          the endpoint that the server confirmed last
 *   wanted         true: the user turned notifications on here, and whoever comes next goes on with
 *                  it; false: turned them off, and nothing is healed that is not wanted
 *   muted_until    until then this device does not alert (milliseconds since 1970; see mute.js)
 *   line           how the connection of the leading tab is (see pns/line.js)
 *   faults         names of armed fault points (see faults.js)
 */
import { open, transact } from "./database.js";

const NAME = "pushlab-device";
const STORE = "facts";
const database = () => open(NAME, (db) => db.createObjectStore(STORE));

export async function read(fact) {
  return (await transact(await database(), STORE, "readonly", (store) => store.get(fact))) ?? null;
}

export async function write(facts) {
  await transact(await database(), STORE, "readwrite", (store) => {
    for (const [fact, value] of Object.entries(facts)) store.put(value, fact);
  });
}

/** Replace one fact by `change(old)`, in one transaction. */
export async function update(fact, change) {
  await transact(await database(), STORE, "readwrite", (store) => {
    const reading = store.get(fact);
    reading.onsuccess = () => store.put(change(reading.result ?? null), fact);
  });
}

/** Write `facts` if this is still the device of `connectionId`, in one transaction. Was it? */
export async function writeIf(connectionId, facts) {
  let same = false;
  await transact(await database(), STORE, "readwrite", (store) => {
    const reading = store.get("connection_id");
    reading.onsuccess = () => {
      same = (reading.result ?? null) === connectionId;
      if (same) Object.entries(facts).forEach(([fact, value]) => store.put(value, fact));
    };
  });
  return same;
}
