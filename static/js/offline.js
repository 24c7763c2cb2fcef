/** The page without a connection: the inbox as it was, and back as soon as the server answers. */
import { Inbox } from "./inbox/inbox.js";
import { recall } from "./owner.js";
import { Backoff, rest } from "./pns/backoff.js";

document.querySelector("[data-action=again]").addEventListener("click", () => location.reload());

await recall();
new Inbox().start();
// Under its own address the page was asked for, connection or not.
if (location.pathname !== "/offline") await comeBack();

async function comeBack(backoff = new Backoff()) {
  do await rest(backoff.next());
  while (!(await answers()));
  location.reload();
}

/** Any answer will do, even an error: the server's own page says more than this one. */
async function answers() {
  return fetch("/manifest.json", { method: "HEAD", cache: "no-store" }).then(() => true, () => false);
}
