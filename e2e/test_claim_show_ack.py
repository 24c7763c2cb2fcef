"""Page or worker ends between claim, show and acknowledgement: nothing is lost, and what the reader
has certainly seen does not alert again."""

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.http import Visitor
from e2e.lab import Lab

#: Fault point, and how often the notification alerts in the end. Between "shown" and the row that
#: says so nobody can know whether the reader saw it: it is shown again, under the same tag.
ALERTS = {"claimed": 1, "shown": 2, "before-ack": 1}


def points(**browsers: str) -> list[object]:
    """Where `make test` tries which; the rest is for `make test-all`."""
    marks = {point: pytest.mark.mainly(browser) for point, browser in browsers.items()}
    return [
        pytest.param(point, alerts, marks=marks.get(point.replace("-", "_"), pytest.mark.slow))
        for point, alerts in ALERTS.items()
    ]


# P-11 X-1
@pytest.mark.parametrize(("point", "alerts"), points(claimed="chromium", before_ack="chromium"))
def test_page_that_ends_midway_finishes_after_reload(
    lab: Lab, device: Device, somebody_else: Visitor, point: str, alerts: int
) -> None:
    user = device.begin_as_guest()
    device.wait_until_live()
    device.arm(f"client:{point}")
    mark = lab.journal.cursor()
    sent = somebody_else.notify(f"Page ends at {point}", to=user)["notification_id"]
    lab.journal.wait_for("fault.reached", after=mark, point=point)
    device.open("/")
    device.wait_until_live()
    device.wait_until_delivered()
    expect(device.row(sent)).to_have_attribute("data-state", "shown")
    assert len(lab.journal.events("notification.shown", notification_id=sent)) == alerts


# P-11 X-1
@pytest.mark.parametrize(("point", "alerts"), points(claimed="firefox"))
def test_page_finishes_what_the_worker_left(
    lab: Lab, device: Device, somebody_else: Visitor, point: str, alerts: int
) -> None:
    user = device.begin_as_guest()
    device.subscribe()
    device.arm(f"service-worker:{point}")
    device.leave()
    mark = lab.journal.cursor()
    sent = somebody_else.notify(f"Worker ends at {point}", to=user)["notification_id"]
    lab.journal.wait_for("fault.reached", after=mark, point=point)
    device.relaunch()
    device.open("/")
    device.wait_until_live()
    device.wait_until_delivered()
    expect(device.row(sent)).to_have_attribute("data-state", "shown")
    assert len(lab.journal.events("notification.shown", notification_id=sent)) == alerts
