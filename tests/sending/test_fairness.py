"""Push services beside each other: one that hangs or is down delays no other."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.config import Settings
from app.db import Database
from app.models import PushOutbox, PushSubscription
from app.sending import origins, results
from app.sending.vapid import VapidKeys
from tests.records import make_device, make_user, rows
from tests.sending import server as answers
from tests.sending.office import Office
from tests.sending.server import PushServer, serve

GOOD = 200
BAD = 20


@pytest.fixture
def bad() -> Iterator[PushServer]:
    """A push service that takes requests and never answers."""
    with serve() as server:
        server.answers += [answers.never()] * BAD
        yield server
        server.stopped.set()


@pytest.fixture
def office(
    local: Settings, database: Database, keys: VapidKeys, server: PushServer, bad: PushServer
) -> Iterator[Office]:
    """The good ones are 200 push services of one vendor's, as far as the sender can tell."""
    routes = [(f"https://good{n}.notify.windows.com/", f"{server.origin}/") for n in range(GOOD)]
    routes.append(("https://bad.notify.windows.com/", f"{bad.origin}/"))
    settings = local.model_copy(update={"push_routes": tuple(routes), "push_timeout": 60.0})
    office = Office(settings, database, keys)
    office.sender.start()
    yield office
    bad.stopped.set()
    office.sender.stop()


def states_at(database: Database, host: str) -> list[str]:
    with database.read() as session:
        found = session.query(PushOutbox.state).filter(PushOutbox.origin.contains(f"//{host}"))
        return [state for (state,) in found]


# W-8 (failures 19)
def test_good_ones_are_served_while_a_bad_one_hangs(
    office: Office, server: PushServer, bad: PushServer
) -> None:
    user = make_user(office.database)
    for number in range(BAD):
        make_device(office.database, user, f"https://bad.notify.windows.com/{number}")
    office.create(user)
    share = office.settings.sender_greenlets // origins.SHARE
    bad.wait_for(share)
    for number in range(GOOD):
        make_device(office.database, user, f"https://good{number}.notify.windows.com/x")
    office.create(user)
    server.wait_for(GOOD)
    office.wait_for("send.answered", GOOD)
    assert len(bad.got) == share
    bad.stopped.set()
    office.stop()
    assert states_at(office.database, "good") == ["delivered"] * GOOD
    assert set(states_at(office.database, "bad")) == {"queued"}


# W-8 (failures 25)
def test_one_that_is_down_is_left_alone_and_then_asked_once(
    local: Settings, database: Database, keys: VapidKeys, server: PushServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(results, "BACKOFF_FIRST", 0.01)
    monkeypatch.setattr(origins, "PAUSE_FIRST", 0.05)
    devices, probed = 8, threading.Event()
    at_the_probe: list[int] = []

    def probe(handler: answers.Handler) -> None:
        probed.wait(0.2)  # time in which others would come
        at_the_probe.append(len(server.got))
        answers.reply(201)(handler)

    office = Office(local.model_copy(update={"sender_greenlets": 4}), database, keys)
    user = make_user(database)
    for number in range(devices):
        make_device(database, user, f"{server.origin}/push/{number}")
    server.answers += [answers.reply(500)] * origins.FAILURES + [probe]
    office.create(user)
    office.sender.start()
    server.wait_for(devices + origins.FAILURES)
    assert office.stop() == ["delivered"] * devices
    assert at_the_probe == [origins.FAILURES + 1]
    paused = office.event("send.paused")
    assert paused.detail == {"origin": server.origin, "seconds": 0.05}
    assert {one.last_status for one in rows(database, PushSubscription)} == {201}
