"""What is known of a device when its test fails, as text: for a report that is read where nobody
can look at the screen or try again."""

import re
from collections import deque
from http.client import HTTPException

from playwright.sync_api import ConsoleMessage, Page, Request
from playwright.sync_api import Error as PlaywrightError

from e2e.lab import Lab

MOST_LINES = 25
#: Milliseconds for a page that may hang.
PATIENCE = 5_000
#: What may be a token, or have one in it: the query of an address, a long word of base64url.
QUERY = re.compile(r"\?[^\s'\"]+")
LONG_WORD = re.compile(r"([\w-]{8})[\w-]{17,}")

#: Address, and what the parts of the page say of themselves for styles and tests.
STATE = """() => {
  const said = (part) => JSON.stringify(part.dataset);
  const drawn = [...document.querySelectorAll("[data-event]")].map((row) => row.dataset.kind);
  const parts = [...document.querySelectorAll("html, [data-part]")].map(said);
  return [location.pathname, `hidden: ${document.hidden}`, ...parts, `drawn: ${drawn.join(" ")}`];
}"""


class BlackBox:
    """Takes down what goes wrong in `page` from now on."""

    def __init__(self, lab: Lab, page: Page) -> None:
        self._lab = lab
        self._page = page
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._lines.append(f"error: {error}"))
        page.on("requestfailed", self._on_request_failed)

    def text(self) -> str:
        """Page, push service and application, the last lines of each; tokens are cut short."""
        told = {
            "the page": self._state(),
            "went wrong in it": list(self._lines),
            "the push service": self._push_service(),
            "the application": [self._lab.log_end(MOST_LINES)],
        }
        text = "\n".join(line for name, lines in told.items() for line in (f"-- {name}", *lines))
        return LONG_WORD.sub(r"\1…", QUERY.sub("?…", text))

    def _state(self) -> list[str]:
        try:
            found = self._page.wait_for_function(STATE, timeout=PATIENCE, polling=100)
            state: list[str] = found.json_value()
        except PlaywrightError as error:
            return [f"cannot be asked: {error.message}"]
        return state

    def _push_service(self) -> list[str]:
        try:
            events = self._lab.push_service.journal.events()
        except (OSError, HTTPException) as error:
            return [f"cannot be asked: {error}"]
        return [f"{event.at:.3f} {event.kind}" for event in events[-MOST_LINES:]]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._lines.append(f"{message.type}: {message.text}")

    def _on_request_failed(self, request: Request) -> None:
        self._lines.append(f"no answer: {request.method} {request.url} ({request.failure})")
