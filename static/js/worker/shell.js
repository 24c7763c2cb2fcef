/**
 * The shell: the page for "no connection" and its files, kept together when the worker is installed.
 * Holds neither `/api` answers nor any page but `/offline`, which is the same for everybody. Only a
 * page that was answered from the shell gets its files from there: all others go to the network as
 * if there were no worker.
 *
 * All of it is of one version, that of this very file: its address carries it, and the server answers
 * for no other. What cannot be had in this version is not installed; the browser tries again later.
 */
const FOLDER = new URL("../../", import.meta.url).pathname;
export const VERSION = FOLDER.split("/").at(-2);
const CACHE = `pushlab-shell-${VERSION}`;
const OFFLINE = "/offline";
const ASSETS = [
  "css/tokens.css",
  "css/base.css",
  "css/frame.css",
  "css/controls.css",
  "css/inbox.css",
  "icons/icon.svg",
  "icons/icon-192.png",
  "icons/badge-96.png",
  "js/offline.js",
  "js/owner.js",
  "js/pns/backoff.js",
  "js/moments.js",
  "js/inbox/extras.js",
  "js/inbox/inbox.js",
  "js/shared/api.js",
  "js/shared/badge.js",
  "js/shared/changes.js",
  "js/shared/database.js",
  "js/shared/device.js",
  "js/shared/errors.js",
  "js/shared/inbox_rows.js",
  "js/shared/mute.js",
  "js/shared/read.js",
].map((path) => FOLDER + path);

/** Ids of the pages that got the shell. They live in seconds; so may this set. */
const offlinePages = new Set();

export async function keep() {
  const cache = await caches.open(CACHE);
  // The files are of this version wherever they come from; the page's address says nothing of it.
  await cache.addAll([new Request(OFFLINE, { cache: "reload" }), ...ASSETS]);
  const page = await (await cache.match(OFFLINE)).text();
  if (!page.includes(FOLDER)) throw new Error("The server has just become another version.");
}

export async function dropOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

/** The answer to a fetch, or null when the browser should go its own way. Decides at once. */
export function answer({ request, clientId, resultingClientId }) {
  if (request.mode === "navigate") return page(request, resultingClientId);
  return offlinePages.has(clientId) ? caches.match(request).then((kept) => kept ?? fetch(request)) : null;
}

async function page(request, id) {
  try {
    return await fetch(request);
  } catch {
    offlinePages.add(id);
    return caches.match(OFFLINE);
  }
}
