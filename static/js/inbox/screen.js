/**
 * This page's part of the screen: a visible page shows in the page; a hidden one asks the worker,
 * which finds another visible page or lets the system show it.
 */
import { report } from "pushlab/shared/journal.js";
import { isMuted } from "pushlab/shared/mute.js";
import { ask } from "pushlab/worker_link.js";

/** Whoever claimed it died after showing it: the system's notification is the proof. */
async function onSystemScreen({ notification_id: id }) {
  const registration = await navigator.serviceWorker?.getRegistration();
  const shown = (await registration?.getNotifications?.()) ?? [];
  return shown.some(({ data }) => data?.notification_id === id);
}

export class Screen {
  #toasts;

  constructor(toasts) {
    this.#toasts = toasts;
  }

  /** `before` as in shared/receive.js. What was on the screen of this device stays quiet here, and
   *  a muted device takes everything quietly. */
  async show(row, before) {
    if (await isMuted()) return;
    if (before === "shown" || (before === "claimed" && (await onSystemScreen(row)))) return;
    const elsewhere = document.hidden && (await ask({ type: "present", row, before }));
    if (!elsewhere) this.showHere(row, before);
  }

  /** Without a worker, or without permission, a toast waits in the hidden page for its reader. */
  showHere(row, before) {
    if (before === "shown" || !this.#toasts.showNotification(row)) return;
    report("notification.shown", {
      summary: `In the page: “${row.data.title}”`,
      notificationId: row.notification_id,
      detail: { title: row.data.title, body: row.data.body },
    });
  }
}
