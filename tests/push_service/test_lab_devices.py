"""Devices without a browser: a page gets the ciphertext that was sent to it, and nobody else's."""

import json
from typing import Any

import pytest

from push_service.model import Subscription
from push_service.wire.base64url import encode
from tests.push_service.parts import Service
from tests.push_service.test_lab_face import SECRET, Reader
from tests.push_service.vapid_keys import SenderKey

KEY = SenderKey()


@pytest.fixture
def reader(service: Service) -> Reader:
    return Reader(service)


def join(reader: Reader, token: str = "") -> Subscription:
    """With that token, or with one of a run that has no endpoint yet."""
    body = json.dumps({"key": encode(KEY.public)}).encode()
    answer = reader.ask("POST", "/lab/subscriptions", token or reader.run_token(), body)
    assert answer.status == 201
    told = json.loads(answer.body)
    assert told["endpoint"].endswith(f"/{told['token']}")
    made = reader.service.hub.subscription(told["token"])
    assert made is not None
    return made


def receive(reader: Reader, device: Subscription) -> list[dict[str, Any]]:
    answer = reader.ask("POST", f"/lab/receive/{device.token}", reader.run_token(device))
    assert answer.status == 200
    found: list[dict[str, Any]] = json.loads(answer.body)["messages"]
    return found


def acknowledge(reader: Reader, device: Subscription, body: bytes) -> int:
    token = reader.run_token(device)
    return reader.ask("POST", f"/lab/acknowledge/{device.token}", token, body).status


# W-8 W-9
def test_lab_device_receives_what_was_sent_to_it_until_it_has_it(reader: Reader) -> None:
    device = join(reader)
    assert device.key == KEY.public
    sent = [reader.service.send(device, body, urgency="high") for body in (b"one", b"two")]
    received = receive(reader, device)
    assert [each["id"] for each in received] == [message.id for message in sent]
    assert [each["body"] for each in received] == [encode(b"one"), encode(b"two")]
    assert received[0]["urgency"] == "high"
    # The answer may have been lost on its way: nothing is gone before the page says so.
    assert receive(reader, device) == received
    ids = [each["id"] for each in received]
    assert acknowledge(reader, device, json.dumps({"ids": ids[:1]}).encode()) == 204
    assert receive(reader, device) == received[1:]
    assert acknowledge(reader, device, json.dumps({"ids": ids}).encode()) == 204
    assert receive(reader, device) == []
    kinds = [event.kind for event in reader.service.events("message") if event.message_id]
    assert (kinds.count("message.delivered"), kinds.count("message.acknowledged")) == (5, 2)


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"{", b'{"ids": 1}', b'{"ids": [1]}', b'{"ids": [], "more": 1}']
)
def test_acknowledgement_of_nothing_is_refused(reader: Reader, body: bytes) -> None:
    device = join(reader)
    reader.service.send(device)
    assert acknowledge(reader, device, body) == 400
    browsers = reader.service.subscribe(reader.service.firefox())
    assert acknowledge(reader, browsers, b'{"ids": []}') == 400
    assert reader.service.hub.count_held(device) == 1


# W-4
def test_next_lab_device_ends_the_former(reader: Reader) -> None:
    """That of the same run, and those of others that the token names; no browser's."""
    foreign, first = join(reader, SECRET), join(reader)
    browsers = reader.service.subscribe(reader.service.firefox())
    second = join(reader)
    third = join(reader, reader.run_token(foreign, browsers))
    live = {one.token for one in reader.service.hub.live_subscriptions()}
    assert live == {browsers.token, third.token}
    assert len({one.token for one in (foreign, first, second, third)}) == 4


def test_browsers_and_other_runs_devices_are_not_read(reader: Reader) -> None:
    browsers = reader.service.subscribe(reader.service.firefox())
    device = join(reader)
    for one in (browsers, device):
        reader.service.send(one)
    target = f"/lab/receive/{browsers.token}"
    assert reader.ask("POST", target, reader.run_token(browsers)).status == 400
    foreign = reader.run_token(browsers)
    assert reader.ask("POST", f"/lab/receive/{device.token}", foreign).status == 400
    assert reader.ask("POST", f"/lab/receive/{device.token}", "guess").status == 401
    assert reader.service.hub.count_held(browsers) == 1
    assert reader.service.hub.count_held(device) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"{", b'{"key": 1}', b'{"key": "AAAA"}', b'{"key": "", "more": 1}']
)
def test_key_that_is_none_makes_no_device(reader: Reader, body: bytes) -> None:  # W-4
    assert reader.ask("POST", "/lab/subscriptions", reader.run_token(), body).status == 400
    assert reader.service.hub.live_subscriptions() == []
