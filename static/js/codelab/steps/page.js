/**
 * A step's page: the rail, the check, the question and the buttons, all on one run.
 */
import { Run } from "../run.js";
import { Actions } from "./actions.js";
import { check } from "./checks.js";
import { CheckPanel } from "./check_panel.js";
import { Question } from "./question.js";
import { Rail } from "./rail.js";

class StepPage {
  #part = document.querySelector("[data-part=step]");
  #step = Number(this.#part.dataset.step);
  #rail = new Rail();
  #panel = new CheckPanel();
  #question = new Question(this.#part.dataset.slug, (answer) => this.#rail.answered(answer));
  #run = new Run(this.#part);

  start() {
    for (const part of [this.#panel, this.#question, new Actions()]) part.start();
    this.#run.onChange(() => this.#show());
    this.#run.start();
    this.#rail.start(this.#run).then((answers) => this.#recall(answers));
  }

  #show() {
    this.#panel.show(check(this.#step, this.#run.events));
  }

  #recall(answers) {
    this.#show();
    const own = answers.find(({ step }) => step === this.#part.dataset.slug);
    if (own) this.#question.show(own);
  }
}

new StepPage().start();
