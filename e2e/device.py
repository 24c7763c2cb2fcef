"""A device: a stock browser at a laboratory, with one tab. Says in words what its user does."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect

from e2e.app_journal import wait_until
from e2e.black_box import BlackBox
from e2e.lab import Lab
from push_service.testing.browsers import PushBrowser

#: A browser answers the question for permission by itself when nobody can see it. This holds the
#: question until `Device.answer` is given, as a person would.
HOLD_THE_QUESTION = """
const ask = Notification.requestPermission.bind(Notification);
Notification.requestPermission = async () => {
  const refusal = await new Promise((answer) => { window.answerTheQuestion = answer; });
  return refusal ?? ask();
};
"""

SUBSCRIPTION = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const subscription = await registration.pushManager.getSubscription();
  return subscription && subscription.toJSON();
}"""

SYSTEM_NOTIFICATIONS = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  const shown = await registration?.getNotifications() ?? [];
  return shown.map(({ title, body, tag }) => ({ title, body, tag }));
}"""

FETCH = """async ([method, path, body]) => {
  const response = await fetch(path, {
    method, headers: { "Content-Type": "application/json" },
    body: body === null ? undefined : JSON.stringify(body),
  });
  return [response.status, response.status === 204 ? null : await response.json()];
}"""

#: What the button of the first page does, without the page being drawn.
ENTER_AS_GUEST = """async () => {
  const text = await (await fetch("/")).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const fields = new FormData(page.querySelector("form[action='/guest']"));
  await fetch("/guest", { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
}"""

#: In a page or a worker: what the app's icon says becomes `self.badge`, for no test sees an icon.
CATCH_BADGE = """() => {
  navigator.setAppBadge = async (count) => { self.badge = count; };
  navigator.clearAppBadge = async () => { self.badge = 0; };
}"""

#: A document of the lab's origin in which nothing runs.
QUIET_PAGE = "/static/css/tokens.css"


class Device:
    """`browser` is launched already; `allowed` says whether it may show notifications already."""

    def __init__(self, lab: Lab, browser: PushBrowser, *, patience: float = 20.0) -> None:
        self.lab = lab
        self.browser = browser
        #: How the push service calls the browser, once it has a subscription.
        self.user_agent: str | None = None
        self._patience = patience * 1000
        self._take_page()

    @property
    def title(self) -> str:
        """The browser's name as people write it."""
        return self.browser.title

    # -- the page

    def enter_as_guest(self) -> str:
        """Open the first page and go in with one click; the guest's name."""
        self.open("/")
        self.page.get_by_role("button", name="guest").click()
        return self.wait_until_signed_in()

    def begin_as_guest(self) -> str:
        """The same for a test that is about what comes then: a page less to load."""
        self._open_quiet_page()
        self.page.evaluate(ENTER_AS_GUEST)
        self.open("/")
        return self.wait_until_signed_in()

    def open(self, path: str) -> None:
        self.page.goto(self.lab.url + path)

    def _open_quiet_page(self) -> None:
        if self.page.url != self.lab.url + QUIET_PAGE:
            self.open(QUIET_PAGE)

    def leave(self) -> None:
        """Close the page as far as the app can see: no window of it is left."""
        self.page.goto("about:blank")

    def log_in(self, name: str, password: str) -> None:
        """Sign in to an account, as its user would."""
        self.open("/login")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.wait_until_signed_in()

    def wait_until_signed_in(self) -> str:
        """The name of the user whose page this is."""
        self.page.locator("html[data-user]").wait_for(state="attached")
        return str(self.page.locator("html").get_attribute("data-user"))

    def wait_until_live(self) -> None:
        """Wait until the page has its WebSocket, and knows which device it is."""
        html = self.page.locator("html")
        expect(html).to_have_attribute("data-socket", "open", timeout=self._patience)

    def wait_until_worker_is_active(self) -> None:
        """Wait until the service worker is installed: from then on it can be asked."""
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")

    @property
    def node(self) -> str:
        """The node that holds the page's WebSocket."""
        return str(self.page.locator("html").get_attribute("data-node"))

    def sign_out(self) -> None:
        self.open("/account")
        self.page.get_by_role("button", name="Sign out").first.click()
        self.page.get_by_role("button", name="guest").wait_for()

    def fetch(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """What the page itself would get from the API: status and JSON."""
        status, answer = self.page.evaluate(FETCH, [method, path, body])
        return status, answer

    def wait_until_delivered(self) -> None:
        """Wait until nothing is pending for this device any more (P-11)."""
        wait_until(lambda: self._pending() == 0, "nothing pending")

    def _pending(self) -> int:
        _status, answer = self.fetch("GET", "/api/devices")
        (own,) = (each for each in answer["devices"] if each["this_device"])
        return int(own["pending"])

    def arm(self, point: str) -> None:
        """Stop page or worker, once, at a fault point such as "client:claimed"."""
        script = "name => document.dispatchEvent(new CustomEvent('push:fault', { detail: name }))"
        self.page.evaluate(script, point)
        self.page.locator(f"html[data-armed='{point}']").wait_for(state="attached")

    @property
    def connection_id(self) -> str:
        """What the app calls this device."""
        return str(self.fetch("GET", "/api/session")[1]["connection_id"])

    # -- the push card

    def card(self, state: str) -> Locator:
        """The push card, provided that it is in this state."""
        return self.page.locator(f"[data-part=push-card][data-state={state}]")

    def wait_for_card(self, state: str) -> None:
        self.card(state).wait_for()

    def hold_the_question(self) -> None:
        """From the next page on, the browser's question waits for `answer`."""
        self.browser.context.add_init_script(HOLD_THE_QUESTION)

    def turn_on(self) -> None:
        """Click the button that asks for permission and subscribes."""
        self.page.locator("[data-part=push-card] [data-action=enable]:visible").click()

    def allow(self) -> None:
        """Answer the browser's question with yes."""
        self._wait_for_the_question()
        self.browser.grant(self.lab.url)
        self.page.evaluate("answerTheQuestion()")

    def refuse(self, answer: str) -> None:
        """Answer it with "denied", or with "default": the question was closed unanswered."""
        self._wait_for_the_question()
        self.page.evaluate("answer => answerTheQuestion(answer)", answer)

    def _wait_for_the_question(self) -> None:
        self.wait_for_card("asking")

    def subscribe(self) -> str:
        """Turn notifications on, and wait until the push service can reach the browser; the
        endpoint. The browser has its permission already."""
        self.wait_for_card("default")
        self.turn_on()
        return self.wait_until_subscribed()

    def wait_until_subscribed(self) -> str:
        """Wait until the server has the subscription and the browser its link; the endpoint."""
        self.wait_for_card("subscribed")
        endpoint = self.endpoint
        self.user_agent = self.browser.wait_until_linked(endpoint)
        return endpoint

    @property
    def subscription(self) -> dict[str, Any] | None:
        """What the browser holds, as JSON; None when it has none."""
        found: dict[str, Any] | None = self.page.evaluate(SUBSCRIPTION)
        return found

    @property
    def endpoint(self) -> str:
        subscription = self.subscription
        assert subscription is not None
        return str(subscription["endpoint"])

    @property
    def token(self) -> str:
        """The push service's name of the subscription."""
        return token_of(self.endpoint)

    # -- notifications

    def row(self, notification_id: str) -> Locator:
        """The notification in the page's inbox."""
        return self.page.locator(f"[data-part=inbox] [data-notification-id='{notification_id}']")

    def toast(self, notification_id: str) -> Locator:
        """The notification where a visible page shows it as it arrives."""
        return self.page.locator(f"[data-part=toasts] [data-notification-id='{notification_id}']")

    def system_notifications(self) -> list[dict[str, str]]:
        """What the system shows of this app (title, body, tag), asked from a page in which
        nothing runs. The tab is there afterwards."""
        self._open_quiet_page()
        found: list[dict[str, str]] = self.page.evaluate(SYSTEM_NOTIFICATIONS)
        return found

    def picture(self, path: Path) -> None:
        """A screenshot, where there is still a page to take it of."""
        with contextlib.suppress(PlaywrightError):
            self.page.screenshot(path=path)

    # -- the browser

    def close(self) -> None:
        """Close the browser; returns when the push service has noticed it."""
        journal = self.lab.push_service.journal
        mark = journal.cursor()
        self.browser.close()
        if self.user_agent:
            journal.wait_for("user_agent.disconnected", after=mark, user_agent=self.user_agent)

    def launch(self) -> None:
        """Start the browser again, on the same profile, with no page of the app."""
        self.browser.launch()
        self._take_page()

    def relaunch(self, between: Callable[[], None] = lambda: None) -> None:
        """Close it, do something, start it again."""
        self.close()
        between()
        self.launch()

    def _take_page(self) -> None:
        self.page: Page = self.browser.page
        self.page.set_default_timeout(self._patience)
        self.black_box = BlackBox(self.lab, self.page)


def token_of(endpoint: str) -> str:
    """The last segment of an endpoint's path."""
    return urlsplit(endpoint).path.rpartition("/")[2]
