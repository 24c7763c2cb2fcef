"""POST /api/subscribe fails; the page says so, and goes on trying until the server has it."""

import pytest

from e2e import by_hand
from e2e.app_journal import wait_until
from e2e.conftest import each_browser
from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab

#: As static/js/shared/handover.js calls it.
SYNC_TAG = "hand-over-subscription"


def watch_background_sync(device: Device) -> list[str]:
    """What the browser itself tells of Background Sync, as it happens."""
    seen: list[str] = []
    browser = device.browser.context.new_cdp_session(device.page)
    browser.on(
        "BackgroundService.backgroundServiceEventReceived",
        lambda event: seen.append(event["backgroundServiceEvent"]["eventName"]),
    )
    watched = {"service": "backgroundSync"}
    browser.send("BackgroundService.startObserving", watched)
    browser.send("BackgroundService.setRecording", {"shouldRecord": True, **watched})
    return seen


def watch_registrations(device: Device) -> list[str]:
    """Ids that the browser gave to workers' registrations, the newest last."""
    seen: list[str] = []
    browser = device.browser.context.new_cdp_session(device.page)
    browser.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: seen.extend(one["registrationId"] for one in event["registrations"]),
    )
    browser.send("ServiceWorker.enable")
    return seen


def seen_now(device: Device, seen: list[str], name: str) -> bool:
    """Events of the browser come in while we speak to it."""
    device.page.evaluate("0")
    return name in seen


# W-5
@pytest.mark.mainly("firefox")
def test_failed_post_is_repeated_until_it_succeeds(
    lab: Lab, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=2)
    mark = lab.journal.cursor()
    device.turn_on()
    device.wait_until_subscribed()
    assert len(lab.journal.events("subscription.posted", after=mark)) >= 3
    # Page and worker may both hand it over; only one of them makes a row.
    stored = lab.journal.events("subscription.stored", after=mark)
    assert [event["detail"]["created"] for event in stored].count(True) == 1
    device.leave()
    sent = somebody_else.notify("After all", to=user)["notification_id"]
    lab.journal.wait_for("push.received", notification_id=sent)


# W-5
@pytest.mark.mainly("chromium")
def test_unknown_subscription_survives_a_reload(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=None)
    device.turn_on()
    device.wait_for_card("browser-only")
    endpoint = device.endpoint
    device.open("/")
    device.wait_for_card("browser-only")
    lab.disarm("subscribe.before_store")  # the page goes on trying by itself
    assert device.wait_until_subscribed() == endpoint


# W-5
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_background_sync_hands_over_what_the_page_cannot(lab: Lab, device: Device) -> None:
    """A real `sync` event of the browser's: only the page's own requests are stopped."""
    device.page.route("**/api/subscribe", lambda route: route.abort())
    seen = watch_background_sync(device)
    device.begin_as_guest()
    device.wait_for_card("default")
    mark = lab.journal.cursor()
    device.turn_on()
    endpoint = device.wait_until_subscribed()  # the page hears of it
    wait_until(lambda: seen_now(device, seen, "Sync completed"), "the browser's event")
    assert seen[:2] == ["Registered sync", "Dispatched sync event"]
    assert lab.journal.events("subscription.stored", after=mark, endpoint=endpoint)
    posted = lab.journal.events("subscription.posted", after=mark)
    assert {event["actor"] for event in posted} == {"client", "service-worker"}


# W-5
@pytest.mark.slow
@pytest.mark.parametrize("browser_name", each_browser("chromium"), indirect=True)
def test_background_sync_tries_again_with_every_page_closed(lab: Lab, device: Device) -> None:
    """Chromium's own second try comes after five minutes: the test fires that one, with the tag
    that the page has registered."""
    seen = watch_background_sync(device)
    registrations = watch_registrations(device)
    device.begin_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=None)
    device.turn_on()
    device.wait_for_card("browser-only")
    endpoint = device.endpoint
    wait_until(lambda: seen_now(device, seen, "Dispatched sync event"), "a sync event")
    device.leave()
    lab.disarm("subscribe.before_store")
    assert not lab.journal.events("subscription.stored", endpoint=endpoint)
    event = {"origin": lab.url, "registrationId": registrations[-1], "tag": SYNC_TAG}
    browser = device.browser.context.new_cdp_session(device.page)
    browser.send("ServiceWorker.enable")
    browser.send("ServiceWorker.dispatchSyncEvent", {**event, "lastChance": False})
    lab.journal.wait_for("subscription.stored", endpoint=endpoint)


# W-5
@pytest.mark.mainly("firefox")
def test_worker_hands_over_what_the_page_could_not(lab: Lab, device: Device) -> None:
    device.begin_as_guest()
    device.wait_for_card("default")
    lab.arm("subscribe.before_store", times=None)
    device.turn_on()
    device.wait_for_card("browser-only")
    subscription = device.subscription or {}
    device.leave()
    lab.disarm("subscribe.before_store")
    by_hand.post(lab, subscription, b"wake", by_hand.private_key_of(lab))
    lab.journal.wait_for("subscription.stored", endpoint=subscription["endpoint"])
