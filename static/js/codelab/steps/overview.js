/** The overview where no journal is kept: the rail alone, by what browser and App Server hold. */
import { FactsLook } from "./look.js";
import { Rail } from "./rail.js";

const look = new FactsLook();
new Rail().start(look);
look.start();
