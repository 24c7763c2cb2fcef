/**
 * Actor: SERVICE WORKER. Wakes on an event and hands it on, one file per event; `waitUntil` is
 * called synchronously, so the browser lets the worker live until the work is done.
 *
 * A module worker (registered with `type: "module"`; Chromium 91, Firefox 147, Safari 15): it shares
 * its modules with the page. Import maps do not reach workers, hence relative paths in js/shared.
 */
import { settled } from "./static/js/shared/journal.js";
import { onClick } from "./static/js/worker/click.js";
import { onMessage } from "./static/js/worker/messages.js";
import { onPush } from "./static/js/worker/push.js";
import { answer, dropOld, keep } from "./static/js/worker/shell.js";
import { catchUp, deliverPending, onChange } from "./static/js/worker/subscription.js";

const during = (event, work) => event.waitUntil(work.finally(settled));

// A newer worker waits: the pages are still of the former version (see static/js/update.js).
self.addEventListener("install", (event) => event.waitUntil(keep()));

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOld().then(() => self.clients.claim()));
  during(event, deliverPending().catch(() => null));
});

self.addEventListener("fetch", (event) => {
  const response = answer(event);
  if (response) event.respondWith(response);
});

self.addEventListener("push", (event) => during(event, onPush(event.data)));
self.addEventListener("pushsubscriptionchange", (event) => during(event, onChange(event)));
self.addEventListener("notificationclick", (event) => during(event, onClick(event)));
self.addEventListener("message", (event) => during(event, onMessage(event)));
self.addEventListener("sync", (event) => during(event, catchUp()));
