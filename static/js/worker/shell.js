/**
 * The shell: what the page for "no connection" needs. Kept at installation, freshened whenever the
 * network brings a newer copy, used only when the network does not answer. Never holds `/api`
 * answers nor any page but `/offline`, which is the same for everybody.
 *
 * Raise VERSION when the list below changes: the former cache goes away on activation.
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
];

export async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll([OFFLINE, ...ASSETS].map((path) => new Request(path, { cache: "reload" })));
}

export async function dropOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
}

/** The answer to a fetch, or null when the browser should go its own way. */
export function answer(request) {
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return null;
  if (request.mode === "navigate") return page(request);
  return ASSETS.includes(pathname) ? asset(request, pathname) : null;
}

async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return caches.match(OFFLINE);
  }
}

async function asset(request, pathname) {
  try {
    const response = await fetch(request);
    if (response.ok) await (await caches.open(CACHE)).put(pathname, response.clone());
    return response;
  } catch (error) {
    return (await caches.match(pathname)) ?? Promise.reject(error);
  }
}
