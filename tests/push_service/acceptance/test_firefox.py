"""What a stock Firefox really does: the experiments that our push service was built on.

The tests follow one another in one profile, from its first subscription on. The letters and numbers
in their comments are those of docs/protocol.md.
"""

import json
from typing import Any

import pytest
from playwright.sync_api import Playwright

from push_service.testing.browsers import Firefox
from push_service.testing.push_service_process import PushServiceProcess
from tests.push_service.acceptance.failures import FIREFOX, Failure
from tests.push_service.acceptance.wiretap import Wiretap
from tests.push_service.sending import Sender
from tests.push_service.testing.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("acceptance-firefox")]


def texts(wiretap: Wiretap, kind: str, after: int = 0) -> list[dict[str, Any]]:
    """What Firefox has said of this kind, such as "hello"."""
    return [json.loads(str(each)) for each in wiretap.web.said(after=after) if is_text(each, kind)]


def wait_for_text(wiretap: Wiretap, kind: str, after: int) -> dict[str, Any]:
    said = wiretap.web.wait_until_said(lambda each: is_text(each, kind), after=after)
    found: dict[str, Any] = json.loads(str(said))
    return found


def is_text(said: object, kind: str) -> bool:
    text = str(said)
    return text.startswith("{") and json.loads(text).get("messageType") == kind


@pytest.fixture(scope="module")
def subscription(tapped_firefox: Firefox, site: Site, sender: Sender) -> dict[str, Any]:
    """The profile's first one."""
    tapped_firefox.page.goto(site.url)
    made: dict[str, Any] = tapped_firefox.page.evaluate("key => subscribe(key)", sender.key)
    tapped_firefox.wait_until_linked(made["endpoint"])
    return made


# E-9, B2, W-3, W-4, W-10
def test_hello_register_notification_and_acknowledgement(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    hello = texts(wiretap, "hello")[0]
    assert hello["use_webpush"] is True
    assert "uaid" not in hello  # a profile without a subscription has nothing to come back to
    register = texts(wiretap, "register")[0]
    assert register["key"].rstrip("=") == sender.key
    assert subscription["endpoint"].startswith(push_service.http)

    assert sender.send(subscription, "hello") == 201
    assert site.next() == "hello"
    assert sender.send(subscription, None) == 201
    assert site.next() is None
    for _ in range(2):
        push_service.journal.wait_for("message.acknowledged", code=100)
    update = wait_for_text(wiretap, "ack", after=0)["updates"][0]
    assert (update["channelID"], update["code"]) == (register["channelID"], 100)


# E-9, B4, C4, W-9
def test_what_cannot_be_decrypted_is_told(
    push_service: PushServiceProcess, subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    assert sender.post(subscription["endpoint"], b"no ciphertext at all" * 10) == 201
    push_service.journal.wait_for("message.acknowledged", code=101)
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"
    assert push_service.journal.events("message.nacked") == []


# B4, C1, W-8, W-10
def test_largest_payload_and_the_draft_encoding_arrive(
    subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    largest = "x" * 3993  # 4,096 bytes of body
    assert sender.send(subscription, largest) == 201
    assert site.next() == largest
    assert sender.send_draft(subscription, "as of old") == 201
    assert site.next() == "as of old"


# E-9, B4, C4, W-9: the acknowledgement got lost on the way, so the push service sends again
def test_second_copy_is_dropped_and_told(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    mark = wiretap.web.mark()
    wiretap.web.swallow_from_browser = True
    assert sender.send(subscription, "seen once") == 201
    assert site.next() == "seen once"
    assert wait_for_text(wiretap, "ack", mark)["updates"][0]["code"] == 100
    wiretap.web.cut()
    push_service.journal.wait_for("message.acknowledged", code=102)
    hello = texts(wiretap, "hello", mark)[-1]
    assert hello["uaid"]
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"


# failure 24, B4, C4, W-10
@pytest.mark.parametrize(("payload", "code"), [("throw", 301), ("reject", 302)])
def test_worker_that_fails_is_told_after_the_acknowledgement(
    push_service: PushServiceProcess,
    subscription: dict[str, Any],
    sender: Sender,
    payload: str,
    code: int,
) -> None:
    mark = push_service.journal.cursor()
    assert sender.send(subscription, payload) == 201
    nacked = push_service.journal.wait_for("message.nacked", after=mark, code=code)
    acknowledged = push_service.journal.wait_for(
        "message.acknowledged", after=mark, code=100, message_id=nacked.message_id
    )
    assert acknowledged.id < nacked.id


# B3, W-3
def test_same_key_asks_nobody_and_another_key_is_refused(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    sender: Sender,
) -> None:
    mark = wiretap.web.mark()
    page = tapped_firefox.page
    again = page.evaluate("key => subscribe(key)", sender.key)
    assert again["endpoint"] == subscription["endpoint"]
    failure = page.evaluate("key => subscribe(key).catch(String)", Sender(push_service).key)
    assert failure == (
        "InvalidStateError: A subscription with a different application server key already exists."
    )
    assert texts(wiretap, "register", mark) == []


# B3, W-3, W-4
@pytest.mark.parametrize("failure", FIREFOX, ids=lambda failure: failure.name)
def test_wrong_subscribe_is_told_or_borne(
    tapped_firefox: Firefox, subscription: dict[str, Any], sender: Sender, failure: Failure
) -> None:
    said = tapped_firefox.page.evaluate(failure.script, sender.key)
    assert failure.words in said


# failure 8, C3 410, W-8
def test_browser_hears_nothing_of_an_expired_subscription(
    push_service: PushServiceProcess,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    page = tapped_firefox.page
    expired = page.evaluate("key => subscribe(key, '/expired/')", sender.key)
    push_service.expire(expired["endpoint"])
    assert sender.send(expired, "too late") == 410
    assert page.evaluate("endpoint('/expired/')") == expired["endpoint"]
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"  # and no pushsubscriptionchange came before
    assert page.evaluate("unsubscribe('/expired/')") is True


# E-10, B5, W-9, W-10
def test_held_message_comes_to_a_browser_without_a_page(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    tapped_firefox.close()
    assert sender.send(subscription, "held") == 201
    push_service.restart()
    mark = wiretap.web.mark()
    tapped_firefox.launch()
    assert tapped_firefox.page.url == "about:blank"
    assert site.next() == "held"
    assert texts(wiretap, "hello", mark)[0]["uaid"]  # it comes back as who it was
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"


# B5, W-9
@pytest.mark.slow
@pytest.mark.parametrize("code", [1000, 1001, 1002, 1008, 1009, 1012, 1013])
def test_closed_connection_comes_back(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    code: int,
) -> None:
    tapped_firefox.wait_until_linked(subscription["endpoint"])
    mark = wiretap.web.mark()
    push_service.close_connection(subscription["endpoint"], code)
    assert wait_for_text(wiretap, "hello", mark)["uaid"]


# B5, W-9
@pytest.mark.slow
def test_code_4774_keeps_firefox_away_until_it_subscribes(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    tapped_firefox.page.goto(site.url)
    tapped_firefox.wait_until_linked(subscription["endpoint"])
    mark = wiretap.web.mark()
    push_service.close_connection(subscription["endpoint"], 4774)
    # Six times as long as it waits after any other code.
    tapped_firefox.page.evaluate("new Promise((done) => setTimeout(done, 3000))")
    assert texts(wiretap, "hello", mark) == []
    said = tapped_firefox.page.evaluate(
        "key => attempt({ userVisibleOnly: true, applicationServerKey: key })", sender.key
    )
    assert said == "subscribed"
    assert len(texts(wiretap, "hello", mark)) == 1


# B6, W-2
def test_permission_taken_back_ends_the_subscription_at_once(
    push_service: PushServiceProcess,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    tapped_firefox.page.goto(site.url)
    tapped_firefox.context.clear_permissions()
    push_service.journal.wait_for("subscription.ended", why=202)
    assert sender.send(subscription, "too late") == 410
    assert tapped_firefox.page.evaluate("endpoint()") is None
    tapped_firefox.grant(site.url)
    assert site.next() == {"old": subscription["endpoint"], "new": None}


@pytest.fixture
def new_subscription(
    tapped_firefox: Firefox, subscription: dict[str, Any], site: Site, sender: Sender
) -> dict[str, Any]:
    tapped_firefox.page.goto(site.url)
    made: dict[str, Any] = tapped_firefox.page.evaluate("key => subscribe(key)", sender.key)
    return made


# E-10, B5, W-3
def test_push_service_that_lost_its_memory_ends_the_subscription(
    push_service: PushServiceProcess,
    tapped_firefox: Firefox,
    new_subscription: dict[str, Any],
    site: Site,
) -> None:
    push_service.stop()
    for file in push_service.data.glob("push-service.db*"):
        file.unlink()
    push_service.start()
    assert site.next() == {"old": new_subscription["endpoint"], "new": None}
    assert tapped_firefox.page.evaluate("endpoint()") is None


# E-11, B6, failure 3
@pytest.mark.slow
def test_silent_pushes_use_up_the_quota(
    push_playwright: Playwright,
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_firefox: Firefox,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    """Its words are swallowed, so that the push service goes on sending to what has ended."""
    tapped_firefox.close()
    prefs = {"dom.push.maxQuotaPerSubscription": 3, "dom.push.quotaUpdateDelay": 0}
    profile = tapped_firefox.profile
    with Firefox(
        push_playwright, wiretap, profile, origins=[site.url], firefox_user_prefs=prefs
    ) as firefox:
        firefox.page.goto(site.url)
        silent = firefox.page.evaluate("key => subscribe(key)", sender.key)
        firefox.page.goto("about:blank")  # with a page open it costs nothing
        wiretap.web.swallow_from_browser = True
        mark = wiretap.web.mark()
        for number in range(3):
            assert push_silently(wiretap, sender, silent, number) == 100
            assert site.next() == f"silent {number}"
        assert wait_for_text(wiretap, "unregister", mark)["code"] == 201
        assert push_silently(wiretap, sender, silent, 3) == 102
        wiretap.web.cut()
    tapped_firefox.launch()


def push_silently(
    wiretap: Wiretap, sender: Sender, subscription: dict[str, Any], number: int
) -> int:
    """The code that Firefox acknowledges it with."""
    mark = wiretap.web.mark()
    assert sender.send(subscription, f"silent {number}") == 201
    return int(wait_for_text(wiretap, "ack", mark)["updates"][0]["code"])


# failure 1, B3, W-3
@pytest.mark.slow
def test_subscribe_gives_up_while_nobody_is_there(
    push_service: PushServiceProcess, tapped_firefox: Firefox, site: Site, sender: Sender
) -> None:
    tapped_firefox.page.goto(site.url)
    push_service.stop()
    said = tapped_firefox.page.evaluate(
        "key => attempt({ userVisibleOnly: true, applicationServerKey: key })", sender.key
    )
    assert said == "AbortError: Error retrieving push subscription."
    push_service.start()
