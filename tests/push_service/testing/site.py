"""A tiny site that subscribes to push, and notes what its service worker receives."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

PAGE = """<!doctype html>
<title>push</title>
<script>
async function subscribe(key) {
  await navigator.serviceWorker.register("/worker.js");
  const registration = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  return (await registration.pushManager.subscribe(options)).toJSON();
}
async function pushManager() {
  return (await navigator.serviceWorker.ready).pushManager;
}
async function unsubscribe() {
  return (await (await pushManager()).getSubscription()).unsubscribe();
}
async function show(title, tag) {
  await (await navigator.serviceWorker.ready).showNotification(title, { tag });
}
async function closeAll() {
  const registration = await navigator.serviceWorker.ready;
  for (const notification of await registration.getNotifications()) notification.close();
}
async function endpoint() {
  return (await (await pushManager()).getSubscription())?.endpoint ?? null;
}
</script>
"""

WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("push", (event) => {
  const text = event.data?.text() ?? null;
  last = last.then(() => receive(text));  // told in the order in which the events came
  event.waitUntil(last);
});
let last = Promise.resolve();
async function receive(text) {
  await registration.showNotification(text ?? "without payload");
  await fetch("/received", { method: "POST", body: JSON.stringify(text) });
}
"""

Files = dict[str, tuple[str, str]]
FILES: Files = {"/": ("text/html", PAGE), "/worker.js": ("text/javascript", WORKER)}


class Site(ThreadingHTTPServer):
    """Served at `url`, an origin where service workers may run. `files`: type and text by path."""

    daemon_threads = True

    def __init__(self, files: Files = FILES) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.received: queue.Queue[Any] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next(self, timeout: float = 20.0) -> Any:
        """The payload of the next push event: a text, or None."""
        return self.received.get(timeout=timeout)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, text = cast(Site, self.server).files.get(self.path, ("text/plain", ""))
        self.answer(200 if text else 404, kind, text)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast(Site, self.server).received.put(json.loads(body))
        self.answer(200, "text/plain", "")

    def answer(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve_site(files: Files = FILES) -> Iterator[Site]:
    with Site(files) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield site
        site.shutdown()
        thread.join()
