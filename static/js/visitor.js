/** The page of nobody in particular: nothing of a former session stays, and the shell is kept. */
import { settleNobody } from "./owner.js";
import { Update } from "./update.js";
import { register } from "./worker_link.js";

await settleNobody();
new Update().start();
if (navigator.serviceWorker) await register();
