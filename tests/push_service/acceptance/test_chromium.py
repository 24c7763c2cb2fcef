"""What a stock Chromium really does: the experiments that our push service was built on.

The tests follow one another in one profile, from its first subscription on. The letters and numbers
in their comments are those of docs/protocol.md.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from push_service.model import GOOGLE_HOSTS
from push_service.testing import programs
from push_service.testing.browsers import Chromium
from push_service.testing.push_service_process import PushServiceProcess
from push_service.wire import mcs
from tests.push_service.acceptance.failures import CHROMIUM, Failure
from tests.push_service.acceptance.site import FILES
from tests.push_service.acceptance.wiretap import Wiretap
from tests.push_service.sending import Sender
from tests.push_service.testing.site import Site, serve_site
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("acceptance-chromium")]

SUBSCRIBE_OR_WAIT = """(key) => Promise.race([
  attempt({ userVisibleOnly: true, applicationServerKey: key }),
  new Promise((done) => setTimeout(done, 3000, "pending")),
])"""

ACKNOWLEDGES = 13  # the extension of an IqStanza that only says how far the browser has read


def pushes(wiretap: Wiretap, after: int = 0) -> list[mcs.DataMessageStanza]:
    said = wiretap.line.said(from_browser=False, after=after)
    return [message for message in said if isinstance(message, mcs.DataMessageStanza)]


def is_login(message: object) -> bool:
    return isinstance(message, mcs.LoginRequest)


def is_acknowledgement(message: object) -> bool:
    return isinstance(message, mcs.IqStanza) and message.extension.id == ACKNOWLEDGES


def has_stored(browser: Chromium, persistent_id: str) -> bool:
    """Whether it would still know of the message after a crash: its database writes after it."""
    store = browser.profile / "Default" / "GCM Store"
    return any(persistent_id.encode() in file.read_bytes() for file in store.glob("*.log"))


@pytest.fixture(scope="module")
def subscription(tapped_chromium: Chromium, site: Site, sender: Sender) -> dict[str, Any]:
    """The profile's first one, once messages arrive."""
    tapped_chromium.page.goto(site.url)
    made: dict[str, Any] = tapped_chromium.page.evaluate("key => subscribe(key)", sender.key)
    tapped_chromium.wait_until_linked(made["endpoint"])
    return made


# E-1, W-3, W-4, W-10
def test_first_subscription_checks_in_registers_and_logs_in(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    requests = wiretap.web.said()
    assert requests.index("POST /checkin") < requests.index("POST /register")
    host = subscription["endpoint"].split("/")[2]
    assert host in GOOGLE_HOSTS

    journal = push_service.journal
    checked_in = journal.wait_for("device.checked_in")
    connected = journal.wait_for("user_agent.connected", user_agent=checked_in.user_agent)
    assert connected.at - checked_in.at <= 6
    assert sender.send(subscription, "hello") == 201
    assert site.next() == "hello"
    assert sender.send(subscription, None) == 201
    assert site.next() is None


# A4, W-4: Chromium registers for itself as well, which is nobody's subscription
def test_only_the_sites_registration_is_a_subscription(
    push_service: PushServiceProcess, wiretap: Wiretap, subscription: dict[str, Any]
) -> None:
    assert wiretap.web.said().count("POST /register") >= 1
    (created,) = push_service.journal.events("subscription.created")
    assert created.token == subscription["endpoint"].rpartition("/")[2]


# A5, A6, W-10: the stream's numbers, on which every acknowledgement rests
def test_each_message_is_acknowledged_by_its_frames_number(
    wiretap: Wiretap, subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    mark = wiretap.line.mark()
    sender.send(subscription, "counted")
    assert site.next() == "counted"
    frames = wiretap.line.said(from_browser=False)
    login = max(at for at, each in enumerate(frames) if isinstance(each, mcs.LoginResponse))
    number = len(frames) - login  # the LoginResponse is frame 1
    assert isinstance(frames[-1], mcs.DataMessageStanza)
    assert frames[-1].immediate_ack
    said = wiretap.line.wait_until_said(is_acknowledgement, after=mark)
    assert isinstance(said, mcs.IqStanza)
    assert said.last_stream_id_received == number


# E-2, W-3
def test_same_key_asks_nobody_and_another_key_is_refused(
    wiretap: Wiretap,
    tapped_chromium: Chromium,
    subscription: dict[str, Any],
    sender: Sender,
    push_service: PushServiceProcess,
) -> None:
    mark = wiretap.web.mark()
    page = tapped_chromium.page
    again = page.evaluate("key => subscribe(key)", sender.key)
    assert again["endpoint"] == subscription["endpoint"]
    other = Sender(push_service).key
    failure = page.evaluate("key => subscribe(key).catch(String)", other)
    assert failure.startswith("InvalidStateError")
    assert wiretap.web.said(after=mark) == []


# W-3, W-4
@pytest.mark.parametrize("failure", CHROMIUM, ids=lambda failure: failure.name)
def test_wrong_subscribe_fails_at_once(
    tapped_chromium: Chromium, subscription: dict[str, Any], sender: Sender, failure: Failure
) -> None:
    said = tapped_chromium.page.evaluate(failure.script, sender.key)
    assert failure.words in said


# E-3, C3 400 401 413, W-9
def test_what_is_refused_never_reaches_the_browser(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    mark = wiretap.line.mark()
    assert Sender(push_service).send(subscription, "forged") in (401, 403)
    assert sender.post(subscription["endpoint"], bytes(4097)) == 413
    assert sender.send(subscription, "no such TTL", TTL="soon") == 400
    assert sender.send(subscription, "genuine") == 201
    assert site.next() == "genuine"
    assert len(pushes(wiretap, mark)) == 1


# A5, W-9: nobody tells the push service; it was delivered, as far as that knows
def test_what_cannot_be_decrypted_is_acknowledged_and_dropped(
    push_service: PushServiceProcess, subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    mark = push_service.journal.cursor()
    assert sender.post(subscription["endpoint"], b"no ciphertext at all" * 10) == 201
    push_service.journal.wait_for("message.acknowledged", after=mark, code="stream")
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"


# A5, C1, W-8, W-10
def test_largest_payload_and_the_draft_encoding_arrive(
    subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    largest = "x" * 3993  # 4,096 bytes of body
    assert sender.send(subscription, largest) == 201
    assert site.next() == largest
    assert sender.send_draft(subscription, "as of old") == 201
    assert site.next() == "as of old"


# failure 24, W-10
@pytest.mark.parametrize("payload", ["throw", "reject"])
def test_worker_that_fails_is_nobodys_news(
    push_service: PushServiceProcess,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
    payload: str,
) -> None:
    mark = push_service.journal.cursor()
    assert sender.send(subscription, payload) == 201
    push_service.journal.wait_for("message.acknowledged", after=mark, code="stream")
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"
    assert push_service.journal.events("message.nacked") == []


# failure 8, C3 410, W-8
def test_browser_hears_nothing_of_an_expired_subscription(
    push_service: PushServiceProcess,
    tapped_chromium: Chromium,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    page = tapped_chromium.page
    expired = page.evaluate("key => subscribe(key, '/expired/')", sender.key)
    push_service.expire(expired["endpoint"])
    assert sender.send(expired, "too late") == 410
    assert page.evaluate("endpoint('/expired/')") == expired["endpoint"]
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"  # and no pushsubscriptionchange came before
    assert page.evaluate("unsubscribe('/expired/')") is True


# E-3, E-4, C4, W-9, W-10
def test_held_messages_come_in_order_once_and_replaced_by_topic(
    tapped_chromium: Chromium, subscription: dict[str, Any], site: Site, sender: Sender
) -> None:
    tapped_chromium.close()
    assert sender.send(subscription, "one") == 201
    assert sender.send(subscription, "old score", Topic="score") == 201
    assert sender.send(subscription, "two") == 201
    assert sender.send(subscription, "new score", Topic="score") == 201
    tapped_chromium.launch()
    assert [site.next() for _ in range(3)] == ["one", "two", "new score"]
    shown = [each.title for each in tapped_chromium.notifications()]
    assert sorted(shown) == ["new score", "one", "two"]


# E-4, E-5, A6, W-9, P-11
def test_killed_browser_tells_at_its_login_what_it_has(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_chromium: Chromium,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    """It had acknowledged at once, but its words were lost on the way."""
    before = wiretap.line.mark()
    wiretap.line.swallow_from_browser = True
    assert sender.send(subscription, "seen once") == 201
    assert site.next() == "seen once"
    wiretap.line.wait_until_said(is_acknowledgement, after=before)
    (push,) = pushes(wiretap, before)
    until(lambda: has_stored(tapped_chromium, push.persistent_id))
    tapped_chromium.kill()
    wiretap.line.cut()

    mark = wiretap.line.mark()
    tapped_chromium.launch()
    login = wiretap.line.wait_until_said(is_login, after=mark)
    assert isinstance(login, mcs.LoginRequest)
    # What was delivered before had been confirmed to the browser: it is not listed any more.
    assert list(login.received_persistent_id) == [push.persistent_id]
    push_service.journal.wait_for("message.acknowledged", code="login")
    assert sender.send(subscription, "next") == 201
    assert site.next() == "next"
    assert [each.persistent_id for each in pushes(wiretap, mark)] != [push.persistent_id]
    assert len(pushes(wiretap, mark)) == 1


# -- a second profile


@pytest.fixture(scope="module")
def second_site() -> Iterator[Site]:
    with serve_site(FILES) as site:
        yield site


@pytest.fixture(scope="module")
def second_chromium(
    push_playwright: Playwright, wiretap: Wiretap, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chromium]:
    """Its permissions are not in the profile: they can be taken back."""
    with Chromium(push_playwright, wiretap, tmp_path_factory.mktemp("second")) as browser:
        yield browser


@pytest.fixture(scope="module")
def second_subscription(
    second_chromium: Chromium, second_site: Site, sender: Sender
) -> dict[str, Any]:
    second_chromium.context.grant_permissions(["notifications"], origin=second_site.url)
    second_chromium.page.goto(second_site.url)
    made: dict[str, Any] = second_chromium.page.evaluate("key => subscribe(key)", sender.key)
    second_chromium.wait_until_linked(made["endpoint"])
    return made


# E-7, W-13
def test_two_profiles_are_two_devices(
    wiretap: Wiretap,
    subscription: dict[str, Any],
    second_subscription: dict[str, Any],
    site: Site,
    second_site: Site,
    sender: Sender,
) -> None:
    logins = [each for each in wiretap.line.said() if isinstance(each, mcs.LoginRequest)]
    assert len({login.user for login in logins}) == 2
    assert sender.send(second_subscription, "to the second") == 201
    assert sender.send(subscription, "to the first") == 201
    assert (site.next(), second_site.next()) == ("to the first", "to the second")
    assert site.received.empty()
    assert second_site.received.empty()


# E-8, A7, W-2
def test_permission_taken_back_ends_the_subscription_with_the_next_message(
    push_service: PushServiceProcess,
    second_chromium: Chromium,
    second_subscription: dict[str, Any],
    second_site: Site,
    sender: Sender,
) -> None:
    mark = push_service.journal.cursor()
    second_chromium.context.clear_permissions()
    assert second_chromium.page.evaluate("endpoint()") == second_subscription["endpoint"]
    assert sender.send(second_subscription, "not wanted") == 201
    ended = push_service.journal.wait_for("subscription.ended", after=mark)
    assert sender.send(second_subscription, "too late") == 410
    # It was the profile's only one, and Chromium needs no connection any more.
    push_service.journal.wait_for(
        "user_agent.disconnected", after=mark, user_agent=ended.user_agent
    )
    assert second_chromium.page.evaluate("endpoint()") is None
    assert second_site.received.empty()


# -- slow ones


# E-6, A8, W-9
@pytest.mark.slow
def test_connection_that_has_lasted_comes_back_at_once(
    push_service: PushServiceProcess,
    wiretap: Wiretap,
    tapped_chromium: Chromium,
    subscription: dict[str, Any],
    site: Site,
    sender: Sender,
) -> None:
    """Within ten seconds of its login it would take half a minute: so we wait for the first
    heartbeat, and see that its interval is the one that we asked for."""
    tapped_chromium.relaunch()
    tapped_chromium.wait_until_linked(subscription["endpoint"])
    mark = wiretap.line.mark()
    wiretap.line.wait_until_said(
        lambda message: isinstance(message, mcs.HeartbeatPing), after=mark, timeout=40
    )
    before = push_service.journal.cursor()
    wiretap.line.swallow_to_browser = True
    assert sender.send(subscription, "lost on the way") == 201
    push_service.journal.wait_for("message.delivered", after=before)
    wiretap.line.cut()
    gone = push_service.journal.wait_for("user_agent.disconnected", after=before)
    back = push_service.journal.wait_for("user_agent.connected", after=before)
    assert back.at - gone.at < 1
    assert site.next() == "lost on the way"


# failure 23, A1, W-2
@pytest.mark.slow
def test_incognito_says_granted_and_refuses(
    push_playwright: Playwright, site: Site, sender: Sender
) -> None:
    chromium = push_playwright.chromium
    program = programs.choose(
        programs.CHROMIUM, os.environ, shutil.which, Path(chromium.executable_path)
    )
    browser = chromium.launch(**program)
    context = browser.new_context(permissions=["notifications"])
    page = context.new_page()
    page.goto(site.url)
    assert page.evaluate("Notification.permission") == "granted"
    said = page.evaluate("key => subscribe(key).catch(String)", sender.key)
    assert said == "AbortError: Registration failed - permission denied"
    browser.close()


# failure 1, A4, W-3
@pytest.mark.slow
def test_subscribe_stays_pending_while_nobody_is_there(
    push_service: PushServiceProcess, tapped_chromium: Chromium, site: Site, sender: Sender
) -> None:
    """It would for twelve minutes: three seconds tell it from the failures that come at once."""
    tapped_chromium.page.goto(site.url)
    push_service.stop()
    assert tapped_chromium.page.evaluate(SUBSCRIBE_OR_WAIT, sender.key) == "pending"
    push_service.start()
