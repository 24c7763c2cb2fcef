/**
 * A step's page: the rail, the check, the question and the buttons, all on one look.
 */
import { Diagram } from "../diagram/diagram.js";
import { Run } from "../run.js";
import { Actions } from "./actions.js";
import { Before } from "./before.js";
import { CheckPanel } from "./check_panel.js";
import { FactsLook, JournalLook } from "./look.js";
import { Question } from "./question.js";
import { Rail } from "./rail.js";

class StepPage {
  #part = document.querySelector("[data-part=step]");
  #step = Number(this.#part.dataset.step);
  #rail = new Rail();
  #panel = new CheckPanel();
  #question = new Question(this.#part.dataset.slug, (answer) => this.#rail.answered(answer));
  #run = inLab() ? new Run(this.#part) : null;
  #look = this.#run ? new JournalLook(this.#run) : new FactsLook();

  start() {
    for (const part of [this.#panel, this.#question, new Actions()]) part.start();
    if (this.#run) new Diagram(this.#part.querySelector("[data-part=diagram]"), this.#run).start();
    this.#look.onChange(() => this.#show());
    new Before().start(this.#look);
    this.#look.start();
    this.#rail.start(this.#look).then((answers) => this.#recall(answers));
  }

  #show() {
    this.#panel.show(this.#look.judge(this.#step));
  }

  #recall(answers) {
    this.#show();
    const own = answers.find(({ step }) => step === this.#part.dataset.slug);
    if (own) this.#question.show(own);
  }
}

const inLab = () => document.documentElement.dataset.lab === "true";

new StepPage().start();
