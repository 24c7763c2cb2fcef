/** Keeps this device's mute in step with the server, which hints when a device of the user changed. */
import { get } from "pushlab/shared/api.js";
import { keepMute } from "pushlab/shared/mute.js";
import { oneAtATime } from "pushlab/shared/one_at_a_time.js";

export class Mute {
  start() {
    const look = oneAtATime(() => this.#look());
    document.addEventListener("push:changed", ({ detail }) => detail === "devices" && look());
  }

  /** Without an answer the mute stays as it was; the next page load brings it. */
  async #look() {
    const session = await get("/api/session").catch(() => null);
    if (session) await keepMute(session.muted_until);
  }
}
