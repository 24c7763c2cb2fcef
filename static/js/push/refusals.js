/**
 * What the browsers mean when they refuse to subscribe: each in its own words, and some in words that
 * say nothing. As measured with Chromium 156 and Firefox 153. Pure.
 */

/** The failed subscribe() as an event of states.js; `permission` is what the browser says of it now. */
export function eventOf({ name, message }, permission) {
  // A private window says "granted" and refuses; only the text tells it from other aborts.
  if (name === "AbortError" && /permission denied/i.test(message)) return "private";
  if (name === "AbortError" && UNREACHABLE.test(message)) return "unreachable";
  if (name === "NotAllowedError" && permission === "denied") return "no";
  if (name === "NotAllowedError" && permission === "default") return "closed";
  return name === "InvalidStateError" ? "foreign-key" : "broken";
}

/** Firefox says no more than the first; Chromium has several ways to say it. */
const UNREACHABLE = /retrieving push subscription|push service|push server/i;

const HINTS = [
  [UNREACHABLE, "The browser could not reach its push service."],
  [/InvalidCharacterError/, "The server’s public key is not written in base64url. Its operator has to look at the VAPID keys."],
  [/InvalidAccessError/, "The server’s public key is no point on the curve P-256. Its operator has to look at the VAPID keys."],
  [/missing applicationServerKey/, "The page subscribed without the server’s public key. Reload the page."],
  [/no active Service Worker/i, "The service worker has not started. Reload the page."],
  [/NotAllowedError/, "The browser shows notifications, and still refuses push: its settings or its administrator forbid it."],
  [/SecurityError|bad HTTP response|MIME|service ?worker|ServiceWorker/i, "The service worker could not be loaded. Reload the page; if it happens again, look at the server’s log."],
  [/QuotaExceededError/, "This browser’s storage is full. Make room and try again."],
  [/InvalidStateError/, "The browser holds on to a subscription with another key. Close its other tabs of this site and try again."],
];

/** What can be done about it, in a sentence; empty when the browser's own words have to do. */
export function hintOf({ name, message }) {
  const words = `${name}: ${message}`;
  return HINTS.find(([pattern]) => pattern.test(words))?.[1] ?? "";
}
