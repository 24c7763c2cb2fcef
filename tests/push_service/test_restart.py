"""A real push service, killed and started again: what it said 201 to is delivered."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice, VirtualSubscription
from tests.push_service.sending import Sender


@pytest.fixture
def push_service(tmp_path: Path) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path) as process:
        yield process


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


@pytest.fixture
def device(push_service: PushServiceProcess) -> Iterator[VirtualDevice]:
    with VirtualDevice(push_service.http) as device:
        yield device


def send(sender: Sender, subscription: VirtualSubscription, payload: str, **headers: str) -> None:
    assert sender.send(subscription.as_json(), payload, **headers) == 201


def receive(device: VirtualDevice, count: int) -> list[str]:
    return [(device.receive().data or b"").decode() for _ in range(count)]


def test_held_messages_survive_a_kill_in_order(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice
) -> None:  # W-9
    subscription = device.subscribe(sender.key)
    uaid = device.uaid
    device.disconnect()
    sent = [f"message {number}" for number in range(100)]
    for payload in sent:
        send(sender, subscription, payload)
    push_service.restart()
    device.connect()
    assert device.uaid == uaid
    assert receive(device, len(sent)) == sent


def test_acknowledged_messages_do_not_come_back_after_a_kill(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice
) -> None:  # W-9
    subscription = device.subscribe(sender.key)
    send(sender, subscription, "first")
    device.receive()
    push_service.journal.wait_for("message.acknowledged")
    push_service.restart()
    device.connect()
    send(sender, subscription, "second")
    assert receive(device, 1) == ["second"]


def test_unacknowledged_message_comes_again_with_its_id_after_a_kill(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice
) -> None:  # W-9
    send(sender, device.subscribe(sender.key), "hello")
    first = device.receive(acknowledge=False)
    push_service.restart()
    device.connect()
    assert device.receive() == first


def test_nothing_answered_with_201_is_lost_while_the_service_is_killed(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice
) -> None:  # W-9
    subscription = device.subscribe(sender.key)
    device.disconnect()
    accepted: list[str] = []

    def send_until_refused(name: str) -> None:
        for number in range(1000):
            try:
                send(sender, subscription, f"{name} {number}")
            except (OSError, HTTPException):
                return
            accepted.append(f"{name} {number}")
            enough.set() if len(accepted) > 50 else None

    enough = threading.Event()
    senders = [threading.Thread(target=send_until_refused, args=(name,)) for name in "abc"]
    for thread in senders:
        thread.start()
    enough.wait(30)
    push_service.kill()
    for thread in senders:
        thread.join()
    push_service.start()
    device.connect()
    received = set(receive(device, len(accepted)))
    assert len(received) == len(accepted)
    # One per sender may have been stored without its sender having heard so.
    assert len(set(accepted) - received) <= 3
    while set(accepted) - received:
        received.add(*receive(device, 1))


def test_topics_and_ended_subscriptions_survive_a_kill(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice
) -> None:  # W-9
    subscription, ended = device.subscribe(sender.key), device.subscribe(sender.key)
    device.unsubscribe(ended)
    device.disconnect()
    send(sender, subscription, "old", Topic="news")
    push_service.restart()
    send(sender, subscription, "new", Topic="news")
    assert sender.send(ended.as_json(), "too late") == 410
    device.connect()
    assert receive(device, 1) == ["new"]


def test_journal_goes_on_after_a_restart(push_service: PushServiceProcess, sender: Sender) -> None:
    #
    sender.post(f"{push_service.http}/push/lab_nobody")
    cursor = push_service.journal.cursor()
    push_service.restart()
    sender.post(f"{push_service.http}/push/lab_nobody")
    (event,) = push_service.journal.events("message.refused", after=cursor)
    assert event.id > cursor


def test_termination_is_graceful(tmp_path: Path) -> None:  # W-9
    process = PushServiceProcess(tmp_path)
    process.start()
    device = VirtualDevice(process.http)
    device.connect()
    running = process._process
    assert running is not None
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    device.disconnect()
    process.stop()
    assert "Traceback" not in process.log.read_text()


def test_data_directory_belongs_to_one_service(push_service: PushServiceProcess) -> None:  # W-9
    command = [sys.executable, "-m", "push_service", "--data", str(push_service.data)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert "another push service uses" in second.stderr
