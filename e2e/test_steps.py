"""The learner's path: from the first page through all ten steps by clicking. Each check is open
until the journal proves it, and a step that is sabotaged stays open."""

import re

import pytest
from playwright.sync_api import Locator, expect

from e2e.device import Device


class Learner:
    """Somebody who clicks through the steps on a device."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._page = device.page

    def begin(self) -> None:
        """One click on the first page."""
        self._device.open("/")
        self._page.get_by_role("button", name="Begin").click()
        self.arrive(1)

    def arrive(self, step: int) -> None:
        """The page of this step is there, and connected."""
        expect(self._page.locator("[data-part=step]")).to_have_attribute("data-step", str(step))
        self._device.wait_until_live()
        expect(self.check).not_to_have_attribute("data-state", "looking")

    def go_on(self, step: int) -> None:
        self._page.get_by_role("navigation", name="before and after").locator("[rel=next]").click()
        self.arrive(step)

    def press(self, name: str) -> None:
        self._page.get_by_role("button", name=name, exact=True).click()

    def answer(self, choice: str) -> None:
        self._page.locator(f"[data-part=question] [value={choice}]").check()
        self.press("Answer")

    @property
    def question(self) -> Locator:
        return self._page.locator("[data-part=question]")

    @property
    def check(self) -> Locator:
        return self._page.locator("[data-part=check]")

    def expect_rail(self, *happened: int) -> None:
        """Exactly these steps are marked."""
        states = ["done" if step in happened else "open" for step in range(1, 11)]
        rail = self._page.locator("[data-part=rail]")
        for step, state in enumerate(states, 1):
            expect(rail.locator(f"[data-step='{step}']")).to_have_attribute("data-state", state)

    def expect_witness(self, actor: str, kind: str) -> None:
        """The check of this page is done, and names who said so."""
        expect(self.check).to_have_attribute("data-state", "done")
        proof = self.check.locator(f"[data-actor={actor}][data-kind='{kind}']")
        expect(proof).to_be_visible()


# W-11 W-14
@pytest.mark.mainly("chromium")
def test_guest_walks_the_ten_steps(fresh_device: Device) -> None:
    device = fresh_device
    device.hold_the_question()
    learner = Learner(device)
    learner.begin()
    learner.expect_rail()
    learner.press("Ask for the public key")
    learner.expect_witness("client", "vapid.key-received")
    learner.answer("send")
    expect(learner.question).to_have_attribute("data-state", "wrong")
    learner.answer("check")
    expect(learner.question).to_have_attribute("data-state", "right")

    learner.go_on(2)
    learner.expect_rail(1)
    device.turn_on()
    device.allow()
    device.wait_until_subscribed()
    learner.expect_witness("client", "permission.answered")
    witnesses = {
        3: ("client", "subscribe.called"),
        4: ("push-service", "subscription.created"),
        5: ("app-server", "subscription.stored"),
        6: ("app-server", "subscription.stored"),
    }
    for step, witness in witnesses.items():
        learner.go_on(step)
        learner.expect_witness(*witness)

    learner.go_on(7)
    learner.expect_rail(1, 2, 3, 4, 5, 6)
    learner.press("Send to myself")
    learner.expect_witness("app-server", "notification.created")
    learner.go_on(8)
    learner.expect_witness("app-server", "send.answered")
    learner.go_on(9)
    learner.expect_witness("push-service", "message.accepted")

    learner.go_on(10)
    learner.expect_rail(1, 2, 3, 4, 5, 6, 7, 8, 9)
    mark = device.lab.journal.cursor()
    learner.press("Send in ten seconds")
    expect(device.page.locator("[data-fill=status]").first).to_contain_text("in 10 seconds")
    device.leave()
    device.lab.journal.wait_for("notification.shown", after=mark, actor="service-worker")
    device.page.go_back()
    learner.arrive(10)
    learner.expect_witness("service-worker", "notification.shown")
    learner.expect_rail(*range(1, 11))


# W-14
@pytest.mark.mainly("chromium")
def test_sabotaged_step_stays_open(device: Device) -> None:
    """The server loses what is handed over; then the push service refuses what is sent."""
    device.begin_as_guest()
    device.lab.arm("subscribe.before_store", times=None)
    learner = Learner(device)
    device.open("/codelab/hand-over")
    learner.arrive(5)
    device.turn_on()
    device.wait_for_card("browser-only")
    expect(learner.check).to_contain_text(re.compile("Posted .* confirmed nothing yet"))
    learner.expect_rail(1, 2, 3)
    device.lab.disarm("subscribe.before_store")
    device.wait_until_subscribed()
    learner.expect_witness("app-server", "subscription.stored")
    learner.expect_rail(1, 2, 3, 4, 5, 6)

    device.lab.push_service.arm("accept", status=403, times=1)
    device.open("/codelab/send")
    learner.arrive(8)
    learner.press("Send to myself")
    expect(learner.check).to_contain_text("403")
    learner.expect_rail(1, 2, 3, 4, 5, 6, 7)
    learner.press("Send to myself")
    learner.expect_witness("app-server", "send.answered")
    learner.expect_rail(1, 2, 3, 4, 5, 6, 7, 8, 9)


#: What can be pressed and lies under a toast.
COVERED = """() => {
  const toast = document.querySelector(".toast").getBoundingClientRect();
  const covered = (element) => {
    const { top, bottom, left, right } = element.getBoundingClientRect();
    return top < toast.bottom && bottom > toast.top && left < toast.right && right > toast.left;
  };
  const all = [...document.querySelectorAll("main a, main button")];
  const under = all.filter((each) => each.checkVisibility() && covered(each));
  return under.map((each) => each.textContent);
}"""


#: The line below the rail, as it is before anything is known.
WITHOUT_COUNT = """() => { document.querySelector(".rail__count").textContent = ""; }"""


# W-14
@pytest.mark.mainly("chromium")
def test_phone_names_the_steps_and_has_the_action_within_reach(device: Device) -> None:
    page = device.page
    page.set_viewport_size({"width": 390, "height": 844})
    device.open("/codelab")
    expect(page.locator(".rail__name:visible")).to_have_count(10)
    device.begin_as_guest()
    device.open("/codelab/event")
    device.wait_until_live()
    act = page.get_by_role("link", name="Do it now")
    expect(act).to_be_in_viewport()
    # What comes late does not push away what somebody is just tapping.
    expect(page.locator(".rail__count")).not_to_be_empty()
    place = act.bounding_box()
    page.evaluate(WITHOUT_COUNT)
    assert act.bounding_box() == place
    act.click()
    send = page.get_by_role("button", name="Send to myself")
    expect(send).to_be_in_viewport()
    send.click()
    expect(page.locator("[data-part=toasts] .toast")).to_be_visible()
    assert page.evaluate(COVERED) == []
