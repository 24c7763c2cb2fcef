"""Stock browsers on the push service: linked, woken, restarted, and no message lost or twice."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from push_service.testing.browsers import PushBrowser
from push_service.testing.notifications import NotificationError
from push_service.testing.push_service_process import PushServiceProcess
from tests.push_service.sending import Sender
from tests.push_service.testing.site import Site, serve_site
from tests.waiting import until

pytestmark = pytest.mark.browser

# (0, y) for some y: 65 bytes that begin with 4, on no curve. Chromium passes it on unseen.
OFF_THE_CURVE = (
    "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as site:
        yield site


@pytest.fixture
def push_origins(site: Site) -> list[str]:
    return [site.url]


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


def subscribe(browser: PushBrowser, site: Site, key: str) -> dict[str, Any]:
    """What a page gets from subscribe(), once messages would arrive."""
    browser.page.goto(site.url)
    subscription: dict[str, Any] = browser.page.evaluate("key => subscribe(key)", key)
    browser.wait_until_linked(subscription["endpoint"])
    return subscription


# E-2, W-3, W-10, W-13, X-4
@pytest.mark.mainly("chromium")
def test_push_is_shown_with_payload_and_without_until_unsubscribed(
    push_service: PushServiceProcess, push_browser: PushBrowser, site: Site, sender: Sender
) -> None:
    subscription = subscribe(push_browser, site, sender.key)
    assert sender.send(subscription, "hello") == 201
    assert site.next() == "hello"
    assert sender.send(subscription, None) == 201
    assert site.next() is None
    assert push_browser.wait_for_notification(title="hello").body == ""
    titles = [notification.title for notification in push_browser.notifications()]
    assert sorted(titles) == ["hello", "without payload"]
    push_browser.expect_no_notification(title="goodbye", seconds=0)
    with pytest.raises(NotificationError, match=r"title='goodbye' within 0 s(?s:.*)'hello'"):
        push_browser.wait_for_notification(title="goodbye", timeout=0)
    with pytest.raises(NotificationError, match=r"there is(?s:.*)message\.acknowledged"):
        push_browser.expect_no_notification()

    for title in ("one", "two"):  # the second takes the place of the first
        push_browser.page.evaluate("title => show(title, 'a tag')", title)
        push_browser.wait_for_notification(title=title, tag="a tag")
    push_browser.expect_no_notification(title="one", seconds=0)
    push_browser.page.evaluate("closeAll()")
    until(lambda: push_browser.notifications() == [])

    assert push_browser.page.evaluate("unsubscribe()") is True
    push_service.journal.wait_for("subscription.ended")
    assert sender.send(subscription, "hello") == 410


# W-9, W-10
@pytest.mark.slow
def test_messages_held_over_every_restart_come_in_order_and_once(
    push_service: PushServiceProcess, push_browser: PushBrowser, site: Site, sender: Sender
) -> None:
    subscription = subscribe(push_browser, site, sender.key)
    push_browser.close()
    held = [f"message {number}" for number in range(5)]
    for text in held:
        assert sender.send(subscription, text) == 201
    push_service.restart()
    push_browser.launch()
    assert [site.next() for _ in held] == held
    for _ in held:
        push_service.journal.wait_for("message.acknowledged")

    push_browser.kill()
    assert sender.send(subscription, "the last") == 201
    push_browser.launch()
    assert site.next() == "the last"


# W-9
@pytest.mark.slow
def test_firefox_comes_back_to_a_restarted_push_service(
    push_service: PushServiceProcess, firefox: PushBrowser, site: Site, sender: Sender
) -> None:
    subscription = subscribe(firefox, site, sender.key)
    push_service.restart()
    firefox.wait_until_linked(subscription["endpoint"])
    assert sender.send(subscription, "hello") == 201
    assert site.next() == "hello"


# W-4
def test_chromium_is_told_at_once_of_a_malformed_key(
    push_service: PushServiceProcess, chromium: PushBrowser, site: Site
) -> None:
    chromium.page.goto(site.url)
    failure = chromium.page.evaluate("key => subscribe(key).catch(String)", OFF_THE_CURVE)
    assert failure == "AbortError: Registration failed - push service error"
    assert (
        "not a point on the curve" in push_service.journal.wait_for("subscription.refused").summary
    )


# E-12, W-13
@pytest.mark.slow
def test_each_browser_gets_its_own_message(
    launch_push_browser: Callable[..., PushBrowser], site: Site, sender: Sender
) -> None:
    browsers = [launch_push_browser(name) for name in ("chromium", "firefox")]
    subscriptions = [subscribe(browser, site, sender.key) for browser in browsers]
    for browser, subscription in zip(browsers, subscriptions, strict=True):
        assert sender.send(subscription, browser.name) == 201
        assert site.next() == browser.name
        assert [each.title for each in browser.notifications()] == [browser.name]


# W-10, X-4: a message that comes before the permission does would end Chromium's subscription
@pytest.mark.slow
def test_permission_granted_later_outlives_a_relaunch(
    chromium: PushBrowser, sender: Sender
) -> None:
    with serve_site() as other:
        chromium.grant(other.url)
        subscription = subscribe(chromium, other, sender.key)
        chromium.relaunch()
        assert sender.send(subscription, "hello") == 201
        assert other.next() == "hello"
        # Also with no page of the site, and when the tab is closed by which we looked.
        chromium.wait_for_notification(title="hello", origin=other.url)
        first = chromium.page
        chromium.context.new_page()
        first.close()
        chromium.wait_for_notification(title="hello")
