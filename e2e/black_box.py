"""What is known of a device when its test fails, as text: for a report that is read where nobody
can look at the screen or try again. Tokens and endpoints are left out."""

from collections import deque
from http.client import HTTPException

from playwright.sync_api import ConsoleMessage, Page, Request
from playwright.sync_api import Error as PlaywrightError

from e2e.lab import Lab

MOST_LINES = 25

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
        """Page, push service and application, the last lines of each."""
        told = {
            "the page": self._state(),
            "went wrong in it": list(self._lines),
            "the push service": self._push_service(),
            "the application": [self._lab.log_end(MOST_LINES)],
        }
        return "\n".join(line for name, lines in told.items() for line in (f"-- {name}", *lines))

    def _state(self) -> list[str]:
        try:
            state: list[str] = self._page.evaluate(STATE)
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
        path = request.url.partition("?")[0]
        self._lines.append(f"no answer: {request.method} {path} ({request.failure})")
