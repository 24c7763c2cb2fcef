/**
 * The shell: the page for "no connection" and its files, kept together when the worker is installed.
 * Holds neither `/api` answers nor any page but `/offline`, which is the same for everybody. Only a
 * page that was answered from the shell gets its files from there: all others go to the network as
 * if there were no worker.
 *
 * Raise VERSION when the page or one of its files changes: the former cache goes away on activation.
 */
const VERSION = 1;
const CACHE = `pushlab-shell-${VERSION}`;
const OFFLINE = "/offline";
const ASSETS = [
  "/static/css/tokens.css",
  "/static/css/base.css",
  "/static/css/frame.css",
  "/static/css/controls.css",
  "/static/css/inbox.css",
  "/static/icons/icon.svg",
  "/static/icons/icon-192.png",
  "/static/icons/badge-96.png",
  "/static/js/offline.js",
  "/static/js/owner.js",
  "/static/js/pns/backoff.js",
  "/static/js/moments.js",
  "/static/js/inbox/inbox.js",
  "/static/js/shared/api.js",
  "/static/js/shared/badge.js",
  "/static/js/shared/changes.js",
  "/static/js/shared/database.js",
  "/static/js/shared/device.js",
  "/static/js/shared/errors.js",
  "/static/js/shared/inbox_rows.js",
  "/static/js/shared/mute.js",
];

/** Ids of the pages that got the shell. They live in seconds; so may this set. */
const offlinePages = new Set();

export async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll([OFFLINE, ...ASSETS].map((path) => new Request(path, { cache: "reload" })));
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
