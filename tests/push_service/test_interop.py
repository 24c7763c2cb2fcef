"""Senders that others wrote deliver through our push service; the virtual device reads them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice
from push_service.wire import base64url
from tests.push_service.sending import Sender

NODE = shutil.which("node")
WEB_PUSH = Path(sys.prefix) / "npm/node_modules/web-push/src/cli.js"
PAYLOAD = "Grüße, 你好"

needs_web_push = pytest.mark.skipif(
    NODE is None or not WEB_PUSH.exists(), reason="npm's web-push is missing: make setup"
)


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service"), tls=True) as process:
        yield process


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


def web_push(
    push_service: PushServiceProcess, sender: Sender, device: VirtualDevice, *options: str
) -> str:
    """What npm's web-push says; it knows https only."""
    subscription = device.subscribe(sender.key)
    keys = subscription.as_json()["keys"]
    private_key = sender.vapid.private_key.private_numbers().private_value.to_bytes(32)
    command = [
        *(str(NODE), str(WEB_PUSH), "send-notification"),
        f"--endpoint={subscription.endpoint.replace(push_service.http, push_service.https)}",
        f"--key={keys['p256dh']}",
        f"--auth={keys['auth']}",
        "--vapid-subject=mailto:test@example.com",
        f"--vapid-pubkey={sender.key}",
        f"--vapid-pvtkey={base64url.encode(private_key)}",
        "--ttl=60",
        *options,
    ]
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": str(push_service.ca)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


# W-8, W-9
@needs_web_push
@pytest.mark.parametrize("encoding", ["aes128gcm", "aesgcm"])
def test_npm_web_push_delivers(
    push_service: PushServiceProcess, sender: Sender, virtual_device: VirtualDevice, encoding: str
) -> None:
    options = f"--payload={PAYLOAD}", f"--encoding={encoding}"
    assert "Push message sent" in web_push(push_service, sender, virtual_device, *options)
    assert virtual_device.receive().data == PAYLOAD.encode()


# W-8, W-9
@needs_web_push
def test_npm_web_push_delivers_without_payload(
    push_service: PushServiceProcess, sender: Sender, virtual_device: VirtualDevice
) -> None:
    assert "Push message sent" in web_push(push_service, sender, virtual_device)
    assert virtual_device.receive().data is None


# W-9
@needs_web_push
def test_npm_web_push_reads_our_refusal(
    push_service: PushServiceProcess, sender: Sender, virtual_device: VirtualDevice
) -> None:
    said = web_push(push_service, sender, virtual_device, "--payload=" + "x" * 4000)
    assert "statusCode: 413" in said


# W-8, W-9
def test_pywebpush_command_delivers(
    sender: Sender, virtual_device: VirtualDevice, tmp_path: Path
) -> None:
    subscription = virtual_device.subscribe(sender.key)
    sender.vapid.save_key(str(tmp_path / "key.pem"))
    (tmp_path / "info").write_text(json.dumps(subscription.as_json()))
    (tmp_path / "claims").write_text(json.dumps({"sub": "mailto:test@example.com"}))
    (tmp_path / "head").write_text(json.dumps({"ttl": "60"}))
    (tmp_path / "data").write_text(PAYLOAD)
    files = {"--key": "key.pem"} | {
        f"--{name}": name for name in ("info", "claims", "head", "data")
    }
    options = [f"{option}={file}" for option, file in files.items()]
    said = subprocess.run(
        [sys.executable, "-m", "pywebpush", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert virtual_device.receive().data == PAYLOAD.encode(), said.stderr
