/**
 * The codelab page: the events of this run, live, under four lifelines.
 *
 * Hook for tests: `data-state` on the part is `empty` or `running`; see also diagram.js and
 * push_service_feed.js. Buttons carry `data-action`: new-run, send.
 */
import { post } from "pushlab/shared/api.js";
import { Detail } from "./detail.js";
import { Diagram } from "./diagram.js";
import { Run } from "./run.js";

class Codelab {
  #part = document.querySelector("[data-part=codelab]");
  #detail = new Detail(() => this.#diagram.mark(null));
  #diagram = new Diagram(this.#part.querySelector("[data-list]"), (event, origin) => this.#choose(event, origin));
  #run = new Run(this.#part);

  start() {
    this.#part.addEventListener("click", ({ target }) => this.#onClick(target.closest("[data-action]")?.dataset.action));
    this.#run.onChange((events) => this.#onChange(events));
    this.#run.start();
  }

  #onChange(events) {
    if (events) this.#diagram.add(events);
    else this.#diagram.clear();
    this.#part.dataset.state = events ? "running" : "empty";
  }

  #choose(event, origin) {
    this.#diagram.mark(event);
    this.#detail.open(event, origin);
  }

  #onClick(action) {
    if (action === "new-run") this.#try(() => this.#newRun());
    if (action === "send") this.#try(() => this.#send());
  }

  async #newRun() {
    await this.#run.beginAnew();
    this.#detail.close();
    return "A new run. Nothing has happened in it yet.";
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
