/**
 * The end of the session, wanted (a form with `data-part="sign-out"`) or not (`push:signed-out`):
 * this browser forgets what belonged to it before anything else is shown.
 */
import { follow, forget } from "pushlab/owner.js";
import { get } from "pushlab/shared/api.js";

const PATIENCE = 2_000;

export class SessionEnd {
  #leaving = false;

  start() {
    document.addEventListener("push:signed-out", () => this.#onSignedOut());
    document.addEventListener("push:changed", ({ detail }) => this.#onChange(detail));
    window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    for (const form of document.querySelectorAll("[data-part=sign-out]")) {
      form.addEventListener("submit", (event) => this.#onSubmit(event, form));
    }
  }

  /** A page that is leaving has no user any more, by its own doing: reloading would keep it here. */
  #onChange(what) {
    if (what === "device" && !this.#leaving) follow();
  }

  async #onSignedOut() {
    if (this.#leaving) return;
    this.#leaving = true;
    await forget();
    location.assign((await somebodyIsSignedIn()) ? "/" : "/login");
  }

  /** A push service that does not answer must not keep anybody from signing out. */
  async #onSubmit(event, form) {
    event.preventDefault();
    this.#leaving = true;
    await Promise.race([forget(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    form.submit();
  }
}

/** Another tab may have signed somebody else in: then this one becomes theirs too. */
async function somebodyIsSignedIn() {
  return get("/api/session").then(() => true, () => false);
}
