"""A site whose page tells how `subscribe()` ended, and whose worker fails when it is told to."""

PAGE = """<!doctype html>
<title>push</title>
<script>
async function register(scope) {
  const registration = await navigator.serviceWorker.register("/worker.js", { scope });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  await new Promise((done) => {
    const look = () => worker.state === "activated" && done();
    worker.addEventListener("statechange", look);
    look();
  });
  return registration;
}
async function subscribe(key, scope = "/") {
  const { pushManager } = await register(scope);
  const options = { userVisibleOnly: true, applicationServerKey: key };
  return (await pushManager.subscribe(options)).toJSON();
}
async function attempt(options, scope = "/attempt/") {
  const { pushManager } = await register(scope);
  try {
    const subscription = await pushManager.subscribe(options);
    await subscription.unsubscribe();
    return "subscribed";
  } catch (error) {
    return String(error);
  }
}
async function unsubscribe(scope = "/") {
  const { pushManager } = await navigator.serviceWorker.getRegistration(scope);
  return (await pushManager.getSubscription()).unsubscribe();
}
async function endpoint(scope = "/") {
  const { pushManager } = await navigator.serviceWorker.getRegistration(scope);
  return (await pushManager.getSubscription())?.endpoint ?? null;
}
</script>
"""

WORKER = """
const told = (what) => fetch("/received", { method: "POST", body: JSON.stringify(what) });
addEventListener("install", () => skipWaiting());
addEventListener("push", (event) => {
  const text = event.data?.text() ?? null;
  if (text === "throw") throw new Error("the payload says so");
  if (text === "reject") return event.waitUntil(Promise.reject(new Error("the payload says so")));
  last = last.then(() => receive(text));  // told in the order in which the events came
  event.waitUntil(last);
});
let last = Promise.resolve();
async function receive(text) {
  if (!text?.startsWith("silent")) await registration.showNotification(text ?? "without payload");
  await told(text);
}
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(told({
  old: event.oldSubscription?.endpoint ?? null,
  new: event.newSubscription?.endpoint ?? null,
})));
"""

FILES = {"/": ("text/html", PAGE), "/worker.js": ("text/javascript", WORKER)}
