"""One message: encrypted, signed, posted; what the push service gets is what the browser reads."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from py_vapid import Vapid02
from py_vapid.jwt import decode

from app.config import Settings
from app.sending.payload import LIMIT
from app.sending.vapid import VapidKeys, encode
from app.sending.webpush import Message, Request, WebPush
from tests.records import Browser
from tests.sending import server as answers
from tests.sending.server import PushServer


@pytest.fixture
def webpush(local: Settings, keys: VapidKeys) -> Iterator[WebPush]:
    webpush = WebPush(local, keys)
    yield webpush
    webpush.close()


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def message(server: PushServer, keys: VapidKeys, browser: Browser) -> Message:
    return Message(
        endpoint=f"{server.origin}/push/lab_x",
        p256dh=browser.p256dh,
        auth=encode(browser.auth),
        vapid_key_id=keys.current.id,
        payload=b"hello",
        ttl=60,
        urgency="high",
        topic="news",
    )


# W-8 (RFC 8291)
def test_only_the_browser_reads_the_payload(
    webpush: WebPush, message: Message, browser: Browser, server: PushServer
) -> None:
    assert webpush.send(message).state == "delivered"
    [got] = server.got
    assert b"hello" not in got.body
    assert browser.decrypt(got.body) == b"hello"


# W-8 (RFC 8030 section 5)
def test_headers_say_how_to_hold_the_message(
    webpush: WebPush, message: Message, server: PushServer
) -> None:
    webpush.send(message)
    headers = server.got[0].headers
    wanted = {"ttl": "60", "urgency": "high", "topic": "news", "content-encoding": "aes128gcm"}
    assert headers.items() >= wanted.items()
    assert "crypto-key" not in headers
    assert "encryption" not in headers


# W-8
def test_ttl_0_and_no_topic(webpush: WebPush, message: Message, server: PushServer) -> None:
    webpush.send(replace(message, ttl=0, topic=None))
    assert server.got[0].headers["ttl"] == "0"
    assert "topic" not in server.got[0].headers


# W-8, W-9 (RFC 8292)
def test_signature_is_ours_and_for_this_origin(
    webpush: WebPush, message: Message, server: PushServer, keys: VapidKeys
) -> None:
    webpush.send(message)
    header = server.got[0].headers["authorization"]
    assert Vapid02.verify(header)
    token, key = header.removeprefix("vapid t=").split(",k=")
    assert key == keys.current.public_key
    assert decode(token, key)["aud"] == server.origin


# W-8, X-5
def test_routed_message_keeps_the_published_audience(
    webpush: WebPush, message: Message, server: PushServer
) -> None:
    webpush.send(replace(message, endpoint="https://jmt17.google.com/fcm/send/lab_abc"))
    [got] = server.got
    assert got.path == "/fcm/send/lab_abc"
    token, key = got.headers["authorization"].removeprefix("vapid t=").split(",k=")
    assert decode(token, key)["aud"] == "https://jmt17.google.com"


# W-8 (RFC 8030 section 7.2)
def test_largest_payload_makes_the_largest_body(
    webpush: WebPush, message: Message, server: PushServer, browser: Browser
) -> None:
    webpush.send(replace(message, payload=b"x" * LIMIT))
    [got] = server.got
    assert len(got.body) == 4096
    assert browser.decrypt(got.body) == b"x" * LIMIT


# W-8
@pytest.mark.parametrize(
    ("status", "state"),
    [(201, "delivered"), (404, "gone"), (410, "gone"), (429, "retry"), (307, "refused")],
)
def test_answer_is_sorted(
    webpush: WebPush, message: Message, server: PushServer, status: int, state: str
) -> None:
    headers = {"Location": f"{server.origin}/m/1", "Retry-After": "3"}
    server.answers.append(answers.reply(status, headers, b"words"))
    outcome = webpush.send(message)
    assert (outcome.status, outcome.state) == (status, state)
    assert outcome.message_url == (f"{server.origin}/m/1" if state == "delivered" else None)
    assert outcome.retry_after == (3 if state == "retry" else None)


# W-8 (failures 19)
def test_slow_push_service_is_tried_again(
    local: Settings, keys: VapidKeys, message: Message, server: PushServer
) -> None:
    impatient = WebPush(local.model_copy(update={"push_timeout": 0.3}), keys)
    server.answers.append(answers.never())
    outcome = impatient.send(message)
    impatient.close()
    assert (outcome.state, outcome.status) == ("retry", None)


# W-6 (SSRF: settings may have changed since the subscription was stored)
def test_endpoint_is_checked_again_when_sending(
    webpush: WebPush, message: Message, server: PushServer
) -> None:
    outcome = webpush.send(replace(message, endpoint="https://attacker.example/x"))
    assert outcome.state == "refused"
    assert server.got == []


# W-8 (failures 12, 20)
@pytest.mark.parametrize(
    "broken",
    [
        {"p256dh": "AAAA"},
        {"p256dh": encode(b"\x04" + b"\x01" * 64)},
        {"p256dh": ""},
        {"auth": "é"},
        {"vapid_key_id": "unknown"},
        {"topic": "new\r\nHost: x"},
    ],
)
def test_hopeless_message_is_refused_unsent(
    webpush: WebPush, message: Message, server: PushServer, broken: dict[str, str]
) -> None:
    outcome = webpush.send(replace(message, **broken))  # type: ignore[arg-type]
    assert (outcome.state, outcome.status) == ("refused", None)
    assert server.got == []


# W-11
def test_request_is_shown_before_it_leaves(
    webpush: WebPush, message: Message, server: PushServer
) -> None:
    seen: list[tuple[Request, int]] = []
    webpush.send(message, lambda request: seen.append((request, len(server.got))))
    [(request, sent_before)] = seen
    assert sent_before == 0
    assert request.body == server.got[0].body
    assert request.headers["authorization"] == server.got[0].headers["authorization"]
