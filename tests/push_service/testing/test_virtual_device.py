"""The virtual device behaves like a browser: what it gets, what comes again, what it refuses."""

import threading
from collections.abc import Iterator

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import (
    NOT_DECRYPTED,
    VirtualDevice,
    VirtualDeviceError,
)
from tests.push_service.sending import Sender


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service")) as process:
        yield process


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


#
def test_device_decrypts_what_a_sender_encrypted(
    virtual_device: VirtualDevice, sender: Sender
) -> None:
    subscription = virtual_device.subscribe(sender.key)
    assert sender.send(subscription.as_json(), '{"title": "hello"}') == 201
    received = virtual_device.receive()
    assert received.json() == {"title": "hello"}
    assert received.subscription == subscription


#
def test_device_receives_a_push_without_payload(
    virtual_device: VirtualDevice, sender: Sender
) -> None:
    assert sender.send(virtual_device.subscribe(sender.key).as_json(), None) == 201
    assert virtual_device.receive().data is None


#
def test_subscription_looks_like_a_browsers(virtual_device: VirtualDevice, sender: Sender) -> None:
    subscription = virtual_device.subscribe(sender.key)
    as_json = subscription.as_json()
    assert set(as_json) == {"endpoint", "expirationTime", "keys"}
    assert as_json["endpoint"].endswith(f"/wpush/v2/{subscription.token}")
    assert [len(text) for text in as_json["keys"].values()] == [87, 22]


# W-9
def test_held_messages_come_in_order_after_connect(
    virtual_device: VirtualDevice, sender: Sender
) -> None:
    subscription = virtual_device.subscribe(sender.key).as_json()
    virtual_device.disconnect()
    sent = [b"%d" % number for number in range(20)]
    for payload in sent:
        assert sender.send(subscription, payload.decode()) == 201
    virtual_device.connect()
    assert [virtual_device.receive().data for _ in sent] == sent


# W-9
def test_unacknowledged_message_comes_again_with_its_version(
    virtual_device: VirtualDevice, sender: Sender
) -> None:
    sender.send(virtual_device.subscribe(sender.key).as_json(), "hello")
    first = virtual_device.receive(acknowledge=False)
    virtual_device.connect()
    again = virtual_device.receive()
    assert (again.version, again.data) == (first.version, first.data)


# W-9
def test_acknowledged_message_does_not_come_again(
    push_service: PushServiceProcess, virtual_device: VirtualDevice, sender: Sender
) -> None:
    subscription = virtual_device.subscribe(sender.key)
    sender.send(subscription.as_json(), "first")
    virtual_device.receive()
    push_service.journal.wait_for("message.acknowledged", token=subscription.token, code=100)
    virtual_device.connect()
    sender.send(subscription.as_json(), "second")
    assert virtual_device.receive().data == b"second"


#
def test_undecryptable_message_is_told(
    push_service: PushServiceProcess, virtual_device: VirtualDevice, sender: Sender
) -> None:
    subscription = virtual_device.subscribe(sender.key)
    assert sender.post(subscription.endpoint, b"no ciphertext at all" * 10) == 201
    with pytest.raises(VirtualDeviceError, match="cannot be decrypted"):
        virtual_device.receive()
    push_service.journal.wait_for(
        "message.acknowledged", token=subscription.token, code=NOT_DECRYPTED
    )


# W-9, W-13
def test_unsubscribed_endpoint_answers_410(virtual_device: VirtualDevice, sender: Sender) -> None:
    subscription = virtual_device.subscribe(sender.key)
    virtual_device.unsubscribe(subscription)
    assert sender.send(subscription.as_json(), "hello") == 410


# W-4
def test_malformed_key_is_refused(virtual_device: VirtualDevice) -> None:
    with pytest.raises(VirtualDeviceError, match="refuses the subscription"):
        virtual_device.subscribe("not a key")


#
def test_forgotten_device_has_no_subscriptions(
    virtual_device: VirtualDevice, sender: Sender
) -> None:
    virtual_device.subscribe(sender.key)
    virtual_device.uaid = "unknown"
    virtual_device.connect()
    assert virtual_device.subscriptions == {}


#
def test_receive_gives_up(virtual_device: VirtualDevice) -> None:
    with pytest.raises(VirtualDeviceError, match=r"no push message within 0\.01 s"):
        virtual_device.receive(timeout=0.01)


#
def test_device_that_is_not_connected_says_so(push_service: PushServiceProcess) -> None:
    with pytest.raises(VirtualDeviceError, match="not connected"):
        VirtualDevice(push_service.http).subscribe()


# W-13
def test_each_device_gets_its_own_message_on_its_own_thread(
    push_service: PushServiceProcess, sender: Sender
) -> None:
    received: dict[int, bytes | None] = {}

    def live(number: int) -> None:
        with VirtualDevice(push_service.http) as device:
            sender.send(device.subscribe(sender.key).as_json(), str(number))
            received[number] = device.receive().data

    threads = [threading.Thread(target=live, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert received == {number: b"%d" % number for number in range(10)}


#
def test_lost_push_service_is_told(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with PushServiceProcess(tmp_path_factory.mktemp("mortal")) as mortal:
        device = VirtualDevice(mortal.http)
        device.connect()
        mortal.kill()
        with pytest.raises(VirtualDeviceError, match="ended the connection"):
            device.receive()
        device.disconnect()
