"""Two people, one browser: the second never sees what was the first's."""

import pytest

from e2e.app_journal import wait_until
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab


# W-10, W-13, P-13
def test_second_user_of_a_browser_sees_nothing_of_the_first(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    first = device.enter_as_guest()
    endpoint = device.subscribe()
    device.wait_until_live()
    sent = somebody_else.notify("For the first only", to=first)["notification_id"]
    device.row(sent).wait_for()
    device.sign_out()
    wait_until(lambda: device.subscription is None, "the subscription gone with its session")

    second = device.enter_as_guest()
    assert second != first
    assert device.subscribe() != endpoint
    assert "For the first only" not in device.page.content()
    late = somebody_else.notify("Too late for the first", to=first)
    answer = somebody_else.call("GET", f"/api/notifications/{late['notification_id']}")
    assert answer.status == 404, "a sender cannot look into another user's devices"
    device.leave()
    mine = somebody_else.notify("For the second", to=second)["notification_id"]
    lab.journal.wait_for("notification.shown", notification_id=mine)
    shown = str(device.system_notifications())
    assert "For the second" in shown
    assert "the first" not in shown


#: A push service that is slow to let go, and news of this device while the page waits for it.
NEWS_MEANWHILE = """() => {
    PushSubscription.prototype.unsubscribe = () => {
        new BroadcastChannel("pushlab").postMessage("device");
        return new Promise(() => {});
    };
}"""


# W-13
@pytest.mark.mainly("chromium")
def test_signing_out_is_not_undone_by_news_of_the_device(device: Device) -> None:
    """The server's answer to a subscription may come while its page is leaving."""
    device.begin_as_guest()
    device.subscribe()
    device.open("/account")
    device.page.evaluate(NEWS_MEANWHILE)
    device.page.get_by_role("button", name="Sign out").first.click()
    device.page.get_by_role("button", name="guest").wait_for()


# W-13, P-13
@pytest.mark.mainly("chromium")
def test_signing_in_ends_the_former_session_of_the_browser(
    device: Device, somebody_else: Visitor
) -> None:
    first = device.enter_as_guest()
    device.wait_until_live()
    former = device.connection_id
    device.browser.context.clear_cookies()
    device.enter_as_guest()
    device.wait_until_live()
    assert device.connection_id != former
    assert first not in device.page.content()


# W-13, P-13
@pytest.mark.mainly("chromium")
def test_what_the_system_shows_goes_with_its_session(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    """Also when the page of nobody had no time to tidy up before the next one signed in."""
    first = device.enter_as_guest()
    device.subscribe()
    device.wait_until_live()
    device.leave()
    sent = somebody_else.notify("For the first only", to=first)["notification_id"]
    lab.journal.wait_for("notification.shown", notification_id=sent, actor="service-worker")
    assert device.system_notifications()
    device.browser.context.clear_cookies()
    device.browser.context.route("**/visitor.js", lambda route: route.abort())
    device.enter_as_guest()
    device.wait_until_live()
    assert device.system_notifications() == []
