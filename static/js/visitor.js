/** The page of nobody in particular: nothing of a former session stays, and the shell is kept. */
import { settleNobody } from "./owner.js";
import { register } from "./worker_link.js";

await settleNobody();
if (navigator.serviceWorker) await register();
