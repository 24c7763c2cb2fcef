"""The sender at work: a real database file, real threads, a real HTTP server."""

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.bus.envelope import Envelope
from app.config import Settings
from app.db import Database, Model
from app.models import PushOutbox, PushSubscription
from app.sending import outbox, report, results, vapid, webpush
from app.sending import sender as sender_module
from app.sending.vapid import VapidKeys
from tests import postgres
from tests.records import Device, make_device, make_user, rows
from tests.sending import server as answers
from tests.sending.office import Office
from tests.sending.server import PushServer


@pytest.fixture
def office(
    local: Settings, database: Database, keys: VapidKeys, monkeypatch: Any
) -> Iterator[Office]:
    monkeypatch.setattr(results, "BACKOFF_FIRST", 0.05)
    office = Office(local, database, keys)
    office.sender.start()
    yield office
    office.sender.stop()


@pytest.fixture
def device(office: Office, server: PushServer) -> Device:
    """A device whose endpoint is at the test's server."""
    return device_at(office, server, make_user(office.database))


def device_at(office: Office, server: PushServer, user_id: int, name: str = "x") -> Device:
    return make_device(office.database, user_id, f"{server.origin}/push/lab_{name}")


# W-8
def test_notification_is_sent_as_soon_as_it_is_created(
    office: Office, device: Device, server: PushServer
) -> None:
    office.create(device.user_id, data={"title": "hi"}, ttl=60, urgency="high", topic="t")
    [got] = server.wait_for(1)
    assert office.stop() == ["delivered"]
    message = json.loads(device.browser.decrypt(got.body))
    assert message["notification"]["title"] == "hi"
    assert message["pushlab"]["connection_id"] == device.connection_id
    assert (got.headers["ttl"], got.headers["urgency"], got.headers["topic"]) == ("60", "high", "t")


# W-8 (order of hand-over)
def test_next_one_waits_for_the_answer_to_the_last(
    office: Office, device: Device, server: PushServer
) -> None:
    answered = threading.Event()
    overtaken: list[int] = []

    def first(handler: answers.Handler) -> None:
        answered.wait(0.2)  # time in which an overtaking one would arrive
        overtaken.append(len(server.got))
        answers.reply(201)(handler)

    server.answers.append(first)
    office.create(device.user_id, device.user_id, device.user_id)
    got = server.wait_for(3)
    assert overtaken == [1]
    seqs = [json.loads(device.browser.decrypt(one.body))["pushlab"]["seq"] for one in got]
    assert seqs == [1, 2, 3]


# W-8 (failures 19)
def test_slow_endpoint_does_not_stop_the_others(
    office: Office, device: Device, server: PushServer
) -> None:
    release = threading.Event()
    server.answers.append(answers.hold(release, answers.reply(201)))
    office.create(device.user_id)
    server.wait_for(1)
    other = device_at(office, server, make_user(office.database), "other")
    office.create(other.user_id)
    server.wait_for(2)
    release.set()
    assert office.stop() == ["delivered"] * 2


# W-8 (failures 25)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_failure_of_the_push_service_is_tried_again(
    office: Office, device: Device, server: PushServer, status: int
) -> None:
    server.answers += [answers.reply(status), answers.reply(status)]
    office.create(device.user_id)
    server.wait_for(3)
    assert office.stop() == ["delivered"]
    retries = [event for event in office.events() if event.kind == "send.retry"]
    assert len(retries) == 2


# W-8
def test_push_service_that_hangs_up_is_tried_again(
    office: Office, device: Device, server: PushServer
) -> None:
    def hang_up(handler: answers.Handler) -> None:
        handler.close_connection = True

    server.answers.append(hang_up)
    office.create(device.user_id)
    server.wait_for(2)
    assert office.stop() == ["delivered"]


# W-8
@pytest.mark.parametrize("status", [404, 410])
def test_gone_subscription_is_removed_and_the_page_told(
    office: Office, device: Device, server: PushServer, status: int
) -> None:
    server.answers.append(answers.reply(status))
    office.create(device.user_id, device.user_id)
    server.wait_for(1)
    office.stop()
    assert rows(office.database, PushSubscription) == []
    assert office.ringer.told == [Envelope("hint", what="devices", user_ids=(device.user_id,))]
    assert office.event("subscription.removed").endpoint == device.endpoint
    assert len(server.got) == 1


# W-8
def test_refused_message_is_not_repeated(
    office: Office, device: Device, server: PushServer
) -> None:
    server.answers.append(answers.reply(413))
    office.create(device.user_id, device.user_id)
    server.wait_for(2)
    assert office.stop() == ["refused", "delivered"]


# P-12
@pytest.mark.parametrize(
    ("point", "requests"), [("sender.before_send", 1), ("sender.after_send", 2)]
)
def test_fault_in_the_sender_loses_nothing(
    office: Office, device: Device, server: PushServer, point: str, requests: int
) -> None:
    office.faults.arm(point)
    office.create(device.user_id)
    server.wait_for(requests)
    assert office.stop() == ["delivered"]
    assert len(server.got) == requests


# P-12 (killed between claim and send)
def test_new_sender_takes_over_from_a_dead_one(
    local: Settings, database: Database, keys: VapidKeys, server: PushServer
) -> None:
    office = Office(local, database, keys)
    device = device_at(office, server, make_user(database))
    office.create(device.user_id)
    assert database.write(lambda session: outbox.claim(session, 3600, 1))
    office.sender.start()
    server.wait_for(1)
    assert office.stop() == ["delivered"]


# P-12
def test_database_that_is_away_for_a_moment_stops_nothing(
    office: Office, device: Device, server: PushServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sender_module, "PAUSE", 0.01)
    real, failures = outbox.claim, [OperationalError("x", {}, Exception("away"))] * 2

    def claim(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(outbox, "claim", claim)
    office.create(device.user_id)
    server.wait_for(1)
    assert office.stop() == ["delivered"]


# W-8 (any number of senders)
def test_two_senders_share_the_work_of_a_database(
    local: Settings, keys: VapidKeys, server: PushServer, postgres_engine: Engine
) -> None:
    postgres.empty(postgres_engine, Model.metadata)
    offices = [Office(local, Database(postgres_engine), keys) for _ in range(2)]
    user = make_user(offices[0].database)
    devices = [device_at(offices[0], server, user, str(number)) for number in range(6)]
    offices[0].create(*[user] * 10)
    for office in offices:
        office.sender.start()
    server.wait_for(60)
    offices[0].sender.stop()
    assert offices[1].stop() == ["delivered"] * 60
    assert len(server.got) == 60
    for number, device in enumerate(devices):
        bodies = [got.body for got in server.got if got.path == f"/push/lab_{number}"]
        seqs = [json.loads(device.browser.decrypt(body))["pushlab"]["seq"] for body in bodies]
        assert seqs == list(range(1, 11))


# P-12
def test_outcome_is_kept_while_the_database_is_away(
    office: Office, device: Device, server: PushServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sender_module, "PAUSE", 0.01)
    real, failures = results.finish, [OperationalError("x", {}, Exception("away"))] * 3

    def finish(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(results, "finish", finish)
    office.create(device.user_id, device.user_id)
    server.wait_for(2)
    assert office.stop() == ["delivered"] * 2
    assert (len(server.got), failures) == (2, [])


# W-8 (failures 19)
def test_outcome_that_cannot_be_stored_harms_no_other(
    office: Office, device: Device, server: PushServer, monkeypatch: Any
) -> None:
    """The dispatcher is held until all have been answered, so some are written together."""
    google = "https://jmt17.google.com/fcm/send/lab_"  # a share of its own
    users = [make_user(office.database) for _ in "ab"]
    others = [make_device(office.database, user, f"{google}{user}") for user in users]
    release, real = threading.Event(), results.finish

    def finish(session: Any, done: Any) -> Any:
        release.wait(5)
        if any(one.item.user_id == others[0].user_id for one in done):
            raise ValueError("poison")
        return real(session, done)

    monkeypatch.setattr(results, "finish", finish)
    office.create(device.user_id, others[0].user_id, others[1].user_id)
    office.wait_for("send.answered", 3)
    release.set()
    office.sender.stop()
    states = {row.subscription_id: row.state for row in rows(office.database, PushOutbox)}
    assert states[others[0].subscription_id] == "queued"
    assert states[device.subscription_id] == states[others[1].subscription_id] == "delivered"


# W-11
def test_journal_shows_the_real_bytes(office: Office, device: Device, server: PushServer) -> None:
    server.answers.append(answers.reply(201, {"Location": f"{server.origin}/message/1"}))
    office.create(device.user_id)
    [got] = server.wait_for(1)
    office.stop()
    started = office.event("send.started")
    shown = started.detail
    assert started.step == 8
    assert base64.urlsafe_b64decode(shown["body"] + "==") == got.body
    assert shown["headers"]["ttl"] == got.headers["ttl"]
    assert shown["vapid"]["header"] == {"typ": "JWT", "alg": "ES256"}
    assert shown["vapid"]["claims"]["aud"] == server.origin
    assert json.loads(shown["plaintext"])["notification"]["title"]
    assert (shown["encryption"]["record_size"], len(shown["encryption"]["key_id"])) == (4096, 87)
    answered = office.event("send.answered")
    assert (answered.detail["status"], answered.detail["outcome"]) == (201, "delivered")
    assert answered.message_url == f"{server.origin}/message/1"
    assert answered.detail["headers"]["location"] == answered.message_url


def test_outside_the_lab_nothing_is_prepared_for_the_journal(
    office: Office, device: Device, server: PushServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object, **_fields: object) -> None:
        raise AssertionError

    office.journal.enabled = False
    for module, name in ((webpush, "Request"), (report, "started"), (office.journal, "add")):
        monkeypatch.setattr(module, name, never)
    office.create(device.user_id)
    server.wait_for(1)
    assert office.stop() == ["delivered"]


# W-11
def test_token_in_the_journal_cannot_be_used_again(
    office: Office, device: Device, server: PushServer
) -> None:
    """Header and claims are there to be read; the signature is cut short."""
    office.create(device.user_id)
    [got] = server.wait_for(1)
    office.stop()
    sent = got.headers["authorization"]
    shown = office.event("send.started").detail["headers"]["authorization"]
    token, key = sent.removeprefix("vapid t=").split(",k=")
    signature = token.rpartition(".")[2]
    assert shown == f"vapid t={token.removesuffix(signature)}{signature[:8]}…,k={key}"
    everything = json.dumps([[event.summary, event.detail] for event in office.events()])
    assert signature[8:] not in everything


# W-1, W-11
def test_private_key_never_reaches_the_journal(
    office: Office, device: Device, server: PushServer, local: Settings
) -> None:
    office.create(device.user_id)
    server.wait_for(1)
    office.stop()
    everything = json.dumps([[event.summary, event.detail] for event in office.events()])
    pem = (local.instance_dir / "vapid/current.pem").read_text()
    numbers = vapid.load(local).current.signer.private_key.private_numbers()
    raw = numbers.private_value.to_bytes(32, "big")
    for secret in (pem.splitlines()[1], vapid.encode(raw), raw.hex()):
        assert secret not in everything


# W-8
def test_stop_waits_for_what_is_under_way(
    office: Office, device: Device, server: PushServer
) -> None:
    release = threading.Event()
    server.answers.append(answers.hold(release, answers.reply(201)))
    office.create(device.user_id)
    server.wait_for(1)
    stopping = threading.Thread(target=office.sender.stop)
    stopping.start()
    release.set()
    stopping.join()
    assert [row.state for row in rows(office.database, PushOutbox)] == ["delivered"]


def test_sender_can_start_again(office: Office, device: Device, server: PushServer) -> None:
    office.sender.stop()
    office.create(device.user_id)
    office.sender.start()
    server.wait_for(1)
    assert office.stop() == ["delivered"]
