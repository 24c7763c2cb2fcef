/**
 * Arms the fault points of shared/faults.js, in lab mode: the DOM event `push:fault` with the name
 * of a point. Hook for tests: `data-armed` on <html> says which one was armed last.
 */
import { arm } from "pushlab/shared/faults.js";

export class FaultSwitch {
  start() {
    document.addEventListener("push:fault", ({ detail }) => this.#arm(detail));
  }

  async #arm(name) {
    await arm(name);
    document.documentElement.dataset.armed = name;
  }
}
