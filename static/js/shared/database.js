/**
 * IndexedDB with promises, as far as `device.js` and `inbox_rows.js` need it.
 * A connection closes itself when another tab wants to delete or upgrade the database: nothing here
 * may block the rule that a page deletes the stores of everybody else before it renders.
 */
const connections = new Map();

/** The open database `name`; `upgrade(db)` makes its stores the first time. */
export function open(name, upgrade) {
  if (!connections.has(name)) connections.set(name, connect(name, upgrade));
  return connections.get(name);
}

/** Run `work(store)` in one transaction; resolves with its result once the transaction is done. */
export async function transact(db, storeName, mode, work) {
  const transaction = db.transaction(storeName, mode);
  const done = completion(transaction);
  const result = work(transaction.objectStore(storeName));
  await done;
  return result instanceof IDBRequest ? result.result : result;
}

/** Delete every database whose name `isForeign` says yes to. */
export async function deleteDatabases(isForeign) {
  const all = await indexedDB.databases();
  await Promise.all(all.map(({ name }) => name).filter(isForeign).map(deleteOne));
}

function connect(name, upgrade) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => resolve(closeWhenAsked(request.result, name));
    request.onerror = () => {
      connections.delete(name);
      reject(request.error);
    };
  });
}

function closeWhenAsked(db, name) {
  const forget = () => connections.delete(name);
  db.onversionchange = () => {
    db.close();
    forget();
  };
  db.onclose = forget;
  return db;
}

function deleteOne(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

function completion(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
