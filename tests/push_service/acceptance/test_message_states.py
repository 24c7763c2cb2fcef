"""Every state of a message, in the words of the push service's journal.

What only a real browser does (`nacked`, and each browser's own way to acknowledge) is beside this,
in test_firefox and test_chromium.
"""

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from push_service.journal import Event
from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import (
    DELIVERED,
    NOT_DECRYPTED,
    NOT_DELIVERED,
    VirtualDevice,
    VirtualSubscription,
)
from tests.push_service.fake_chromium import FakeChromium
from tests.push_service.sending import Sender


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service")) as process:
        yield process


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


@pytest.fixture
def subscription(virtual_device: VirtualDevice, sender: Sender) -> VirtualSubscription:
    return virtual_device.subscribe(sender.key)


class Life:
    """What the journal tells of one endpoint's messages."""

    def __init__(self, push_service: PushServiceProcess, token: str) -> None:
        self._journal = push_service.journal
        self._token = token

    def wait_for(self, state: str, **match: Any) -> Event:
        return self._journal.wait_for(f"message.{state}", token=self._token, **match)

    def states(self) -> list[str]:
        events = self._journal.events(token=self._token)
        kinds = [event.kind for event in events if event.kind.startswith("message.")]
        return [kind.removeprefix("message.") for kind in kinds]


@pytest.fixture
def life(push_service: PushServiceProcess, subscription: VirtualSubscription) -> Life:
    return Life(push_service, subscription.token)


@pytest.fixture
def absent(
    push_service: PushServiceProcess,
    subscription: VirtualSubscription,
    virtual_device: VirtualDevice,
) -> VirtualDevice:
    """The device has gone, and the push service knows it."""
    created = push_service.journal.wait_for("subscription.created", token=subscription.token)
    virtual_device.disconnect()
    push_service.journal.wait_for("user_agent.disconnected", user_agent=created.user_agent)
    return virtual_device


# C4, W-9
@pytest.mark.parametrize("code", [DELIVERED, NOT_DECRYPTED, NOT_DELIVERED])
def test_accepted_delivered_acknowledged(
    virtual_device: VirtualDevice,
    sender: Sender,
    subscription: VirtualSubscription,
    life: Life,
    code: int,
) -> None:
    """Whatever Firefox says of it, the message is done with."""
    sender.send(subscription.as_json(), "hello")
    received = virtual_device.receive(acknowledge=False)
    virtual_device.acknowledge(received, code)
    life.wait_for("acknowledged", code=code)
    assert life.states() == ["accepted", "delivered", "acknowledged"]


# C4, W-9
def test_held_until_the_device_is_back(
    sender: Sender, subscription: VirtualSubscription, life: Life, absent: VirtualDevice
) -> None:
    sender.send(subscription.as_json(), "hello")
    life.wait_for("held")
    absent.connect()
    assert absent.receive().data == b"hello"
    life.wait_for("acknowledged")
    assert life.states() == ["accepted", "held", "delivered", "acknowledged"]


# C4, W-9
def test_delivered_twice_when_nobody_acknowledged(
    virtual_device: VirtualDevice, sender: Sender, subscription: VirtualSubscription, life: Life
) -> None:
    sender.send(subscription.as_json(), "hello")
    first = virtual_device.receive(acknowledge=False)
    virtual_device.connect()
    assert virtual_device.receive().version == first.version
    life.wait_for("acknowledged")
    assert life.states() == ["accepted", "delivered", "delivered", "acknowledged"]


# C1, C4, E-3, W-9
def test_replaced_by_its_topic_and_by_no_other(
    sender: Sender, subscription: VirtualSubscription, life: Life, absent: VirtualDevice
) -> None:
    for text, topic in (("old", "score"), ("other", "news"), ("new", "score")):
        sender.send(subscription.as_json(), text, Topic=topic)
    life.wait_for("replaced", topic="score")
    absent.connect()
    assert [absent.receive().data for _ in range(2)] == [b"other", b"new"]
    assert life.states().count("replaced") == 1


# C1, C4, W-9: replaces nothing once it is delivered and acknowledged (RFC 8030 §5.4)
def test_acknowledged_message_is_not_replaced(
    virtual_device: VirtualDevice, sender: Sender, subscription: VirtualSubscription, life: Life
) -> None:
    for text in ("first", "second"):
        sender.send(subscription.as_json(), text, Topic="score")
        assert virtual_device.receive().data == text.encode()
        life.wait_for("acknowledged")
    assert "replaced" not in life.states()


# C1, C4, W-9
@pytest.mark.parametrize("ttl", [0, 1])
def test_expired_when_its_time_is_over(
    sender: Sender, subscription: VirtualSubscription, life: Life, absent: VirtualDevice, ttl: int
) -> None:
    """With TTL 0 at once, as RFC 8030 §5.2 wants it: the device is not there now."""
    assert sender.send(subscription.as_json(), "hello", TTL=str(ttl)) == 201
    assert life.wait_for("expired").detail["ttl"] == ttl
    sender.send(subscription.as_json(), "next")
    absent.connect()
    assert absent.receive().data == b"next"


# C1, W-9
def test_ttl_0_reaches_who_is_there(
    virtual_device: VirtualDevice, sender: Sender, subscription: VirtualSubscription
) -> None:
    assert sender.send(subscription.as_json(), "now", TTL="0") == 201
    assert virtual_device.receive().data == b"now"


# C3, C4, W-9
def test_cancelled_by_its_sender(
    push_service: PushServiceProcess,
    sender: Sender,
    subscription: VirtualSubscription,
    life: Life,
    absent: VirtualDevice,
) -> None:
    sender.send(subscription.as_json(), "taken back")
    message_id = life.wait_for("accepted").message_id
    connection = HTTPConnection(urlsplit(push_service.http).netloc, timeout=10)
    connection.request("DELETE", f"/message/{message_id}")
    assert connection.getresponse().status == 204
    connection.close()
    life.wait_for("cancelled")
    sender.send(subscription.as_json(), "next")
    absent.connect()
    assert absent.receive().data == b"next"


# C3, C4, W-9
def test_refused_leaves_nothing_behind(
    push_service: PushServiceProcess,
    virtual_device: VirtualDevice,
    sender: Sender,
    subscription: VirtualSubscription,
    life: Life,
) -> None:
    Sender(push_service).send(subscription.as_json(), "forged")
    life.wait_for("refused", status=401)
    sender.send(subscription.as_json(), "genuine")
    assert virtual_device.receive().data == b"genuine"


# C4, W-9, W-13: what is still held ends with its subscription
def test_held_message_ends_with_its_subscription(
    push_service: PushServiceProcess,
    virtual_device: VirtualDevice,
    sender: Sender,
    subscription: VirtualSubscription,
    life: Life,
) -> None:
    push_service.arm("hold")
    sender.send(subscription.as_json(), "too late")
    life.wait_for("held")
    virtual_device.unsubscribe(subscription)
    ended = push_service.journal.wait_for("subscription.ended", token=subscription.token)
    assert ended.detail["messages_dropped"] == 1
    push_service.reset()


# C4, A6, W-9
def test_chromium_acknowledges_by_stream_or_at_its_login(
    push_service: PushServiceProcess, sender: Sender
) -> None:
    chromium = FakeChromium(push_service)
    endpoint: dict[str, Any] = {"endpoint": chromium.register(sender.key)}
    life = Life(push_service, endpoint["endpoint"].rpartition("/")[2])
    with chromium.log_in() as link:
        sender.send(endpoint, None)
        link.receive_push()
        link.acknowledge()
        life.wait_for("acknowledged", code="stream")
        sender.send(endpoint, None)
        chromium.unconfirmed.append(link.receive_push().persistent_id)
    with chromium.log_in():
        life.wait_for("acknowledged", code="login")
