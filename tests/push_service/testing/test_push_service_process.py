"""The push service as a process: started, killed, started again on the same ports, read."""

import os
import ssl
import subprocess
import sys
import threading
import urllib.request
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from push_service.testing.journal import JournalClient, JournalTimeoutError
from push_service.testing.push_service_process import PushServiceProcess, PushServiceStartError
from push_service.testing.virtual_device import VirtualDevice
from tests.push_service.sending import Sender


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


#
def test_process_ends_with_its_block(tmp_path: Path) -> None:
    with PushServiceProcess(tmp_path) as push_service:
        assert is_running(push_service.pid)
    assert not is_running(push_service.pid)


# W-9
@pytest.mark.parametrize("gently", [True, False])
def test_restart_keeps_ports_device_and_messages(tmp_path: Path, gently: bool) -> None:
    with PushServiceProcess(tmp_path) as push_service, VirtualDevice(push_service.http) as device:
        sender, before = Sender(push_service), (push_service.http, push_service.mcs)
        subscription = device.subscribe(sender.key)
        device.disconnect()
        sender.send(subscription.as_json(), "hello")
        push_service.stop() if gently else push_service.kill()
        push_service.start()
        assert (push_service.http, push_service.mcs) == before
        device.connect()
        assert device.receive().data == b"hello"


#
def test_https_port_is_trusted_through_the_authority(tmp_path: Path) -> None:
    with PushServiceProcess(tmp_path, tls=True) as push_service:
        trust = ssl.create_default_context(cafile=str(push_service.ca))
        request = urllib.request.Request(f"{push_service.https}/push/x", method="OPTIONS")
        with urllib.request.urlopen(request, context=trust) as response:
            assert response.status == 204


#
def test_environment_leads_to_us_what_is_for_google(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    token = virtual_device.subscribe().token
    program = (
        "import sys, urllib.request as u; "
        "print(u.urlopen(u.Request(sys.argv[1], headers={'TTL': '60'}, method='POST')).status)"
    )
    for host in ("jmt17.google.com", "fcm.googleapis.com", "fcm.google.com"):
        said = subprocess.run(
            [sys.executable, "-c", program, f"https://{host}/fcm/send/{token}"],
            env=os.environ | push_service.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.stdout == "201\n", said.stderr
        assert virtual_device.receive().data is None


#
def test_environment_leads_nowhere_else(push_service: PushServiceProcess) -> None:
    tunnel = HTTPSConnection(urlsplit(push_service.http).netloc, timeout=10)
    tunnel.set_tunnel("example.com")
    with pytest.raises(OSError, match="404"):
        tunnel.connect()


#
def test_reset_leaves_nothing_of_what_was(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    sender = Sender(push_service)
    subscription = virtual_device.subscribe(sender.key).as_json()
    push_service.arm("hold")
    assert sender.send(subscription, "held") == 201
    push_service.reset()
    assert push_service.journal.events() == []
    assert sender.send(subscription, "too late") == 410
    again = virtual_device.subscribe(sender.key).as_json()
    assert sender.send(again, "hello") == 201
    assert virtual_device.receive().data == b"hello"


#
def test_reset_starts_what_does_not_run(push_service: PushServiceProcess) -> None:
    push_service.kill()
    push_service.reset()
    assert push_service.journal.events() == []


#
def test_faults_are_switched_on_and_off(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    sender = Sender(push_service)
    endpoint = virtual_device.subscribe(sender.key).endpoint
    push_service.arm("accept", status=429, times=None)
    assert [sender.post(endpoint) for _ in range(2)] == [429, 429]
    push_service.disarm("accept")
    assert sender.post(endpoint) == 201


#
def test_subscription_expires_at_will(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    sender = Sender(push_service)
    endpoint = virtual_device.subscribe(sender.key).endpoint
    push_service.expire(endpoint)
    assert sender.post(endpoint) == 410
    with pytest.raises(ValueError, match="no subscription with this token"):
        push_service.expire(f"{endpoint}x")


#
def test_unknown_fault_is_refused_in_words(push_service: PushServiceProcess) -> None:
    with pytest.raises(ValueError, match="there is no fault 'lightning'; there are accept"):
        push_service.arm("lightning")


#
def test_failed_start_tells_why(tmp_path: Path) -> None:
    process = PushServiceProcess(tmp_path, arguments=["--port", "70000"])
    with pytest.raises(PushServiceStartError, match="70000"):
        process.start()


#
def test_state_that_is_in_use_is_not_shared(tmp_path: Path) -> None:
    with (
        PushServiceProcess(tmp_path),
        pytest.raises(PushServiceStartError, match="another push service uses"),
    ):
        PushServiceProcess(tmp_path).start()


#
def test_journal_waits_for_what_comes(push_service: PushServiceProcess) -> None:
    device = VirtualDevice(push_service.http)
    coming = threading.Timer(0.05, device.connect)
    coming.start()
    event = push_service.journal.wait_for("user_agent.connected", browser="Firefox")
    coming.join()
    device.disconnect()
    assert event.summary == "Firefox opened its connection."


#
def test_journal_finds_what_has_been(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    mark = push_service.journal.cursor()
    token = virtual_device.subscribe().token
    assert push_service.journal.wait_for("subscription.created", token=token).id > mark
    assert push_service.journal.events("subscription.created", after=mark, token="other") == []


#
def test_journal_tells_what_came_instead(
    push_service: PushServiceProcess, virtual_device: VirtualDevice
) -> None:
    virtual_device.subscribe()
    with pytest.raises(
        JournalTimeoutError, match=r"no message\.accepted token='x' within 0\.1 s"
    ) as (failure):
        push_service.journal.wait_for("message.accepted", token="x", timeout=0.1)
    assert "subscription.created" in str(failure.value)


#
def test_journal_is_closed_to_strangers(push_service: PushServiceProcess) -> None:
    with pytest.raises(Exception, match="401"):
        JournalClient(push_service.http, "a guess").cursor()
