/** The page without a connection: the inbox as it was, and back as soon as the network is. */
import { Inbox } from "./inbox/inbox.js";
import { recall } from "./owner.js";

window.addEventListener("online", () => location.reload());
document.querySelector("[data-action=again]").addEventListener("click", () => location.reload());

await recall();
new Inbox().start();
