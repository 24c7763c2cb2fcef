/**
 * "Something changed, read it again": from worker and page to every tab of the origin, this one
 * included. Carries no data; the data is in IndexedDB.
 *
 *   inbox         rows of the inbox            device    the facts in `pushlab-device`
 *   subscription  what is pending or known     devices   the server's list of devices
 *   journal       the server's journal         line     the leader's connection
 */
const NAME = "pushlab";

const channel = new BroadcastChannel(NAME);

/** Tell everybody. In a page the same reaches this tab as the DOM event `push:changed`. */
export function announce(what) {
  channel.postMessage(what);
  tellThisTab(what);
}

/** A page listens as long as it lives; a worker only speaks. */
export function listen() {
  channel.onmessage = ({ data }) => tellThisTab(data);
}

function tellThisTab(what) {
  globalThis.document?.dispatchEvent(new CustomEvent("push:changed", { detail: what }));
}
