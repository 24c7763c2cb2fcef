"""`pushsubscriptionchange`: the browser ended the subscription, and no page is there to notice."""

import pytest

from e2e.conftest import each_browser
from e2e.device import Device, token_of
from e2e.http import Visitor
from e2e.lab import Lab
from e2e.test_unsubscribe import UNSUBSCRIBE

#: No Chromium has ever been seen to fire it (docs/protocol.md), so a test has to. An event that a
#: script makes has no working `waitUntil`: this one's work is waited for here.
CHANGE = """async () => {
  if (!self.registration.active) return; // a worker of an earlier test
  const event = new ExtendableEvent("pushsubscriptionchange");
  let work;
  Object.defineProperties(event, {
    oldSubscription: { value: null },
    newSubscription: { value: null },
    waitUntil: { value: (promise) => { work = promise; } },
  });
  self.dispatchEvent(event);
  await work;
}"""


def assert_reached_without_a_page(
    lab: Lab, device: Device, sender: Visitor, user: str, old: str
) -> None:
    """The worker has subscribed anew and told the server: the next message arrives."""
    changed = lab.journal.wait_for("subscription.changed", actor="service-worker")
    stored = lab.journal.wait_for("subscription.stored", after=changed["id"])
    assert stored["endpoint"] != old
    posted = lab.journal.events("subscription.posted", after=changed["id"])
    assert {event["actor"] for event in posted} == {"service-worker"}
    sent = sender.notify("To the new address", to=user)["notification_id"]
    lab.journal.wait_for("notification.acknowledged", notification_id=sent)
    device.open("/")
    assert device.wait_until_subscribed() == stored["endpoint"]


# W-3 W-5 (failure no. 8)
@pytest.mark.parametrize("browser_name", each_browser("firefox"), indirect=True)
def test_permission_that_comes_back_is_used_without_a_page(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    """Firefox's own event: a subscription ends with the permission; it tells when that is back."""
    user = device.begin_as_guest()
    old = device.subscribe()
    device.leave()
    device.browser.context.clear_permissions()
    lab.push_service.journal.wait_for("subscription.ended", token=token_of(old))
    device.browser.grant(lab.url)
    assert_reached_without_a_page(lab, device, somebody_else, user, old)


# W-3 W-5
@pytest.mark.slow
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_worker_of_chromium_subscribes_anew_when_told(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    """The event is the test's, all that follows from it is real."""
    user = device.begin_as_guest()
    old = device.subscribe()
    assert device.page.evaluate(UNSUBSCRIBE)
    device.leave()
    for worker in device.browser.context.service_workers:
        worker.evaluate(CHANGE)
    assert_reached_without_a_page(lab, device, somebody_else, user, old)
