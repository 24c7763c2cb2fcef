/**
 * The page of somebody who is signed in. The list below is the client's architecture: what shows,
 * and the three lines that lead out of the page, to the worker, the push service and the app server.
 * What one page alone has is started by a module of that page: inbox/home.js, devices/devices.js, …
 * Parts speak by DOM events (`push:*`); what they share lies in IndexedDB.
 */
import { FaultSwitch } from "./fault_switch.js";
import { Inbox } from "./inbox/inbox.js";
import { ReadElsewhere } from "./inbox/read_elsewhere.js";
import { Screen } from "./inbox/screen.js";
import { Toasts } from "./inbox/toasts.js";
import { Unread } from "./inbox/unread.js";
import { Mute } from "./mute.js";
import { settle } from "./owner.js";
import { Arrivals } from "./pns/arrivals.js";
import { PushCard } from "./push/card.js";
import { Subscription } from "./push/subscription.js";
import { SessionEnd } from "./session_end.js";
import { listen } from "./shared/changes.js";
import { Update } from "./update.js";
import { WorkerLink } from "./worker_link.js";

await settle();
listen();

const toasts = new Toasts();
const screen = new Screen(toasts);

const parts = [
  toasts,
  new Unread(),
  new Inbox(),
  new PushCard(),
  new SessionEnd(),
  new Mute(),
  new ReadElsewhere(),
  new FaultSwitch(),
  new Update(),

  new WorkerLink(screen), // the Service Worker
  new Subscription(), //     the Push Service
  new Arrivals(screen), //   the App Server
];

for (const part of parts) part.start();
