/**
 * Read on one device is read on all: what the system still shows of a notification that was read,
 * here or elsewhere, goes as soon as a page of this device knows. With every page closed nobody
 * wakes the browser for that: then it stays until the next page, or until it is clicked away.
 */
import { inbox } from "pushlab/owner.js";

export class ReadElsewhere {
  start() {
    document.addEventListener("push:changed", ({ detail }) => detail === "inbox" && this.#tidy());
  }

  async #tidy() {
    const registration = await navigator.serviceWorker?.getRegistration();
    const shown = (await registration?.getNotifications?.()) ?? [];
    if (!shown.length) return;
    const rows = (await inbox()?.all()) ?? [];
    const read = new Set(rows.filter((row) => row.read_at).map((row) => row.notification_id));
    shown.filter(({ data }) => read.has(data?.notification_id)).forEach((notification) => notification.close());
  }
}
