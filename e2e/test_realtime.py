"""What an open page is promised: all that is for its user, in order, once, whatever happens to
connections, tabs and nodes. The same tests against one process and against three nodes."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from e2e import houses
from e2e.app_journal import wait_until
from e2e.browsers import BrowserPool
from e2e.conftest import ENVIRONMENT
from e2e.device import Device
from e2e.houses import House, LabCluster
from e2e.http import Visitor
from e2e.lab import Lab

#: In `make test` one test runs on three nodes, and all others in one process.
THREE_NODES = pytest.param("three nodes", marks=pytest.mark.slow)
ONE_PROCESS = pytest.param("one process", marks=pytest.mark.slow)

WATCH_SOCKET = """() => {
  window.socketStates = [];
  document.addEventListener("push:socket", ({ detail }) => window.socketStates.push(detail));
}"""

#: Playwright's pages are always seen; this one says that it is not, to the worker too.
HIDE = "Object.defineProperty(document, 'hidden', { value: true })"

STORES = "async () => (await indexedDB.databases()).map(({ name }) => name)"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    with houses.three_nodes(tmp_path_factory.mktemp("cluster"), ENVIRONMENT) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster_browsers(
    push_playwright: Playwright, cluster: LabCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserPool]:
    pool = BrowserPool(push_playwright, cluster.lab, tmp_path_factory.mktemp("profiles"))
    yield pool
    pool.close()


@pytest.fixture(params=["one process", THREE_NODES])
def house(request: pytest.FixtureRequest, lab: Lab, browser_pool: BrowserPool) -> House:
    if request.param == "one process":
        return houses.OneProcess(lab, browser_pool)
    parts = map(request.getfixturevalue, ("cluster", "cluster_browsers"))
    return houses.ThreeNodes(*parts)


@pytest.fixture
def device(house: House, browser_name: str) -> Device:
    return house.browsers.device(browser_name)


@pytest.fixture
def second_device(house: House, browser_name: str) -> Device:
    return house.browsers.device(browser_name, 1)


@pytest.fixture
def somebody_else(house: House) -> Visitor:
    return house.lab.guest()


# P-3 P-9 P-11 W-13
@pytest.mark.mainly("chromium")
def test_what_came_while_offline_comes_in_order(
    house: House, device: Device, second_device: Device, somebody_else: Visitor
) -> None:
    """The user's other device shows it at once. What was read offline is told to the server."""
    name, password = f"two-phones-{os.urandom(4).hex()}", "correct horse battery"
    Visitor(house.lab.url).sign_up(name, password)
    for each in (device, second_device):
        each.log_in(name, password)
        each.wait_until_live()
    connection_id = device.connection_id
    before = somebody_else.notify("Before", to=name)["notification_id"]
    journal = house.lab.journal
    journal.wait_for_count(2, "notification.shown", notification_id=before)

    device.browser.context.set_offline(True)
    expect(device.page.locator("html")).to_have_attribute("data-socket", "closed")
    device.row(before).locator("[data-action=read]").click()
    expect(device.row(before)).to_have_attribute("data-read", "true")
    titles = [f"No. {number}" for number in range(5)]
    sent = [somebody_else.notify(title, to=name)["notification_id"] for title in titles]
    expect(titles_of(second_device)).to_have_text([*reversed(titles), "Before"])
    expect(titles_of(device)).to_have_text(["Before"])

    journal.wait_for("notification.shown", notification_id=sent[-1])  # by the other device
    mark = journal.cursor()
    device.browser.context.set_offline(False)
    expect(titles_of(device)).to_have_text([*reversed(titles), "Before"])
    device.wait_until_delivered()
    assert device.connection_id == connection_id
    shown = journal.wait_for_count(len(sent), "notification.shown", after=mark)
    assert [event["notification_id"] for event in shown] == sent
    wait_until(lambda: read_at(device, before), "the server hears what was read")


def titles_of(device: Device) -> Locator:
    """The page's inbox, the newest first."""
    return device.page.locator("[data-part=inbox] [data-list] [data-fill=title]")


def read_at(device: Device, notification_id: str) -> str | None:
    """What the server knows of it."""
    _status, answer = device.fetch("GET", "/api/notifications")
    (found,) = (
        each for each in answer["notifications"] if each["notification_id"] == notification_id
    )
    moment: str | None = found["read_at"]
    return moment


# P-9 P-12
@pytest.mark.mainly("chromium")
@pytest.mark.parametrize("house", [ONE_PROCESS, "three nodes"], indirect=True)
def test_device_of_a_killed_node_is_back_on_another(
    house: House, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.wait_until_live()
    connection_id, former = device.connection_id, device.node
    with house.without_the_node_of(device):
        sent = somebody_else.notify("While it is dead", to=user)["notification_id"]
        device.toast(sent).wait_for()
        device.wait_until_live()
        assert device.node != former
        assert device.connection_id == connection_id
        device.wait_until_delivered()


# P-4
@pytest.mark.mainly("chromium")
def test_tabs_share_one_connection_and_one_takes_over(
    device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.wait_until_live()
    tab = another_tab(device)
    sent = somebody_else.notify("To both tabs", to=user)["notification_id"]
    for page in (device.page, tab):
        page.locator(f"[data-part=inbox] [data-notification-id='{sent}']").wait_for()

    device.browser.context.set_offline(True)
    for page in (device.page, tab):
        expect(page.locator("html")).to_have_attribute("data-socket", "closed")
    device.browser.context.set_offline(False)
    expect(tab.locator("html")).to_have_attribute("data-socket", "follower")

    device.page.close()
    expect(tab.locator("html")).to_have_attribute("data-socket", "open")
    after = somebody_else.notify("To the other tab", to=user)["notification_id"]
    tab.locator(f"[data-part=toasts] [data-notification-id='{after}']").wait_for()


def another_tab(device: Device) -> Page:
    """It follows: the first tab holds the connection of the device."""
    tab = device.browser.context.new_page()
    tab.goto(device.lab.url)
    expect(tab.locator("html")).to_have_attribute("data-socket", "follower")
    return tab


#
@pytest.mark.slow
def test_hidden_leader_leaves_the_alert_to_who_is_seen(
    house: House, device: Device, somebody_else: Visitor
) -> None:
    """To another tab, and when there is none, to the system."""
    user = device.begin_as_guest()
    device.wait_until_live()
    device.wait_until_worker_is_active()
    device.page.evaluate(HIDE)
    tab = another_tab(device)
    seen = somebody_else.notify("In the tab that is seen", to=user)["notification_id"]
    tab.locator(f"[data-part=toasts] [data-notification-id='{seen}']").wait_for()
    tab.close()
    unseen = somebody_else.notify("No page is seen", to=user)["notification_id"]
    journal = house.lab.journal
    journal.wait_for("notification.shown", notification_id=unseen, actor="service-worker")
    journal.wait_for("notification.shown", notification_id=seen, actor="client")
    for each in (seen, unseen):
        assert len(journal.events("notification.shown", notification_id=each)) == 1
        expect(device.toast(each)).to_have_count(0)
    device.wait_until_delivered()
    assert [each["tag"] for each in device.system_notifications()] == [unseen]


# W-13 P-13
@pytest.mark.mainly("chromium")
def test_signed_out_in_one_tab_is_gone_in_all(device: Device) -> None:
    device.begin_as_guest()
    device.wait_until_live()
    tab = another_tab(device)
    other = another_tab(device)
    other.goto(f"{device.lab.url}/account")
    other.get_by_role("button", name="Sign out").first.click()
    for page in (device.page, tab):
        page.wait_for_url("**/login")
        assert page.evaluate(STORES) == ["pushlab-device"]


# P-9
@pytest.mark.slow
def test_page_that_slept_connects_anew(device: Device) -> None:
    """A socket that died meanwhile would look open for ever."""
    device.page.clock.install()
    device.begin_as_guest()
    device.wait_until_live()
    device.page.evaluate(WATCH_SOCKET)
    device.page.clock.fast_forward(100_000)
    device.page.wait_for_function("() => window.socketStates.includes('open')")
    assert device.page.evaluate("window.socketStates") == ["closed", "connecting", "open"]
    device.close()  # and with it the clock, which cannot be given back


# X-1 P-11
def test_what_comes_by_both_ways_is_shown_once(
    house: House, device: Device, somebody_else: Visitor
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.wait_until_live()
    sent = somebody_else.notify("By both ways", to=user)["notification_id"]
    journal = house.lab.journal
    journal.wait_for("push.received", notification_id=sent)
    journal.wait_for("notification.received", notification_id=sent)
    journal.wait_for("notification.acknowledged", notification_id=sent, actor="service-worker")
    expect(device.toast(sent)).to_have_count(1)
    expect(device.row(sent)).to_have_attribute("data-state", "shown")
    assert len(journal.events("notification.shown", notification_id=sent)) == 1
    device.wait_until_delivered()
    assert device.system_notifications() == []
