/**
 * The codelab page: this run as the master diagram, and what one can do in it.
 *
 * Hook for tests: `data-state` on the part is `empty` or `running`; see also diagram/diagram.js and
 * push_service_feed.js. Buttons carry `data-action`: new-run, send.
 */
import { post } from "pushlab/shared/api.js";
import { Diagram } from "./diagram/diagram.js";
import { Run } from "./run.js";
import { Before } from "./steps/before.js";
import { JournalLook } from "./steps/look.js";
import { Rail } from "./steps/rail.js";

class Codelab {
  #part = document.querySelector("[data-part=codelab]");
  #run = new Run(this.#part);
  #diagram = new Diagram(this.#part.querySelector("[data-part=diagram]"), this.#run);

  start() {
    this.#part.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")?.dataset.action));
    this.#run.onChange((events) => {
      this.#part.dataset.state = events ? "running" : "empty";
    });
    this.#diagram.start();
    this.#run.start();
    const look = new JournalLook(this.#run);
    new Before().start(look);
    new Rail().start(look);
  }

  #onClick(action) {
    if (action === "new-run") this.#try(() => this.#newRun());
    if (action === "send") this.#try(() => this.#send());
  }

  async #newRun() {
    await this.#run.beginAnew();
    return "A new run: from here on, what happens is drawn.";
  }

  async #send() {
    const { devices, subscriptions } = await post("/api/notifications", {
      title: "Hello from the codelab",
      body: "This came the whole way.",
      navigate: "/codelab",
    });
    return `Sent to ${devices} ${devices === 1 ? "device" : "devices"}, ${subscriptions} by push.`;
  }

  async #try(work) {
    const status = this.#part.querySelector("[data-fill=status]");
    status.textContent = await work().catch((problem) => `${problem.message} ${problem.wayOn ?? ""}`);
  }
}

new Codelab().start();
