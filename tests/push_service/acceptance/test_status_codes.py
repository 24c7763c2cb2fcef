"""Every answer of the push service to an application server, asked over a real socket.

The numbers are those of docs/protocol.md: C1 what a request must look like, C2 its signature, C3
the answers.
"""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.testing.virtual_device import VirtualDevice, VirtualSubscription
from tests.push_service.vapid_keys import SenderKey

DAY = 86400
KEY = SenderKey()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def errno(self) -> int:
        content = json.loads(self.body)
        assert content["code"] == self.status
        assert content["message"]
        return int(content["errno"])


@dataclass
class Door:
    """Where application servers knock: good messages, unless a test says otherwise."""

    push_service: PushServiceProcess
    device: VirtualDevice
    subscription: VirtualSubscription = field(init=False)

    def __post_init__(self) -> None:
        self.subscription = self.device.subscribe(urlsafe_b64encode(KEY.public).decode())

    def post(
        self, *, body: bytes = b"x", token: str | None = None, **headers: str | None
    ) -> Answer:
        """Header names with `_` for `-`; None leaves a header out."""
        good = {
            "ttl": "60",
            "content_encoding": "aes128gcm",
            "authorization": KEY.authorization(aud=self.push_service.http, exp=now() + 3600),
        }
        sent = {
            name.replace("_", "-"): value
            for name, value in (good | headers).items()
            if value is not None
        }
        path = urlsplit(self.subscription.endpoint).path
        if token is not None:
            path = path.rpartition("/")[0] + "/" + token
        return self.ask("POST", path, body, sent)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        connection = HTTPConnection(urlsplit(self.push_service.http).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def now() -> int:
    return int(time.time())


def signed(key: SenderKey = KEY, **claims: Any) -> Callable[[str], str]:
    """An Authorization header for the push service at that origin. None leaves a claim out."""

    def sign(origin: str) -> str:
        everything = {"aud": origin, "exp": now() + 3600, "sub": "mailto:me@example.com", **claims}
        return key.authorization(**{n: each for n, each in everything.items() if each is not None})

    return sign


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service")) as process:
        yield process


@pytest.fixture
def door(push_service: PushServiceProcess, virtual_device: VirtualDevice) -> Door:
    return Door(push_service, virtual_device)


# C3 201, W-9
def test_201_says_where_the_message_is_and_how_long_it_is_kept(door: Door) -> None:
    answer = door.post(ttl="120")
    assert (answer.status, answer.headers["TTL"], answer.body) == (201, "120", b"")
    assert answer.headers["Location"].startswith(f"{door.push_service.http}/message/")


ACCEPTED = {
    "C1 TTL of a year is cut to 30 days": {"ttl": str(365 * DAY)},
    "C1 TTL 0": {"ttl": "0"},
    "C1 urgency very-low": {"urgency": "very-low"},
    "C1 urgency high": {"urgency": "high"},
    "C1 topic of 32 characters": {"topic": "Az09-_" + "x" * 26},
    "C1 receipts are not offered, and 201 not 202": {"prefer": "respond-async"},
    "C1 no body needs no encryption": {"body": b"", "content_encoding": None},
    "C1 no body ignores encryption headers": {"body": b"", "encryption": "salt=x"},
    "C1 body of 4096 bytes": {"body": bytes(4096)},
    "C1 draft aesgcm with its headers": {
        "content_encoding": "aesgcm",
        "encryption": "salt=x",
        "crypto_key": "dh=y",
    },
}


# C3 201, W-9
@pytest.mark.parametrize("wish", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_201_for_what_the_rfcs_allow(door: Door, wish: dict[str, Any]) -> None:
    answer = door.post(**wish)
    assert answer.status == 201
    assert int(answer.headers["TTL"]) == min(int(wish.get("ttl", 60)), 30 * DAY)


REFUSED: dict[str, tuple[dict[str, Any], int, int]] = {
    "C3 400 no TTL": ({"ttl": None}, 400, 111),
    "C3 400 TTL is no number": ({"ttl": "soon"}, 400, 112),
    "C3 400 TTL is negative": ({"ttl": "-1"}, 400, 112),
    "C3 400 topic too long": ({"topic": "x" * 33}, 400, 113),
    "C3 400 topic with a space": ({"topic": "two words"}, 400, 113),
    "C3 400 urgency unknown": ({"urgency": "now"}, 400, 115),
    "C3 400 two urgencies": ({"urgency": "low, high"}, 400, 115),
    "C3 400 body in the clear": ({"content_encoding": None}, 400, 110),
    "C3 400 aes128gcm with salt": ({"encryption": "salt=x"}, 400, 110),
    "C3 400 aes128gcm with dh": ({"crypto_key": "dh=x"}, 400, 110),
    "C3 400 aesgcm without its headers": ({"content_encoding": "aesgcm"}, 400, 101),
    "C3 401 no signature": ({"authorization": None}, 401, 109),
    "C3 401 signature is garbage": ({"authorization": "vapid t=a.b.c,k=d"}, 401, 109),
    "C3 404 unknown token": ({"token": "lab_nobody"}, 404, 102),
    "C3 404 malformed token": ({"token": "%00"}, 404, 102),
    "C3 413 body of 4097 bytes": ({"body": bytes(4097)}, 413, 104),
}


# C3, W-8, W-9
@pytest.mark.parametrize(("wish", "status", "errno"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_a_number_of_its_own(
    door: Door, wish: dict[str, Any], status: int, errno: int
) -> None:
    answer = door.post(**wish)
    assert (answer.status, answer.errno) == (status, errno)
    assert door.push_service.journal.wait_for("message.refused", errno=errno).step in (8, 9)
    assert door.post(body=b"next").status == 201


# C2
SIGNATURES: dict[str, tuple[Callable[[str], str], int]] = {
    "right": (signed(), 201),
    "aud in a list": (lambda origin: signed(aud=[origin])(origin), 201),
    "exp in 24 hours": (signed(exp=now() + DAY), 201),
    "another key": (signed(SenderKey()), 401),
    "another aud": (signed(aud="https://push.example"), 401),
    "no aud": (signed(aud=None), 401),
    "exp is over": (signed(exp=now() - 60), 401),
    "exp in two days": (signed(exp=now() + 2 * DAY), 401),
    "exp is no number": (signed(exp="tomorrow"), 401),
    "no sub": (signed(sub=None), 201),
}


# C2, C3 401, W-9
@pytest.mark.parametrize(("sign", "status"), SIGNATURES.values(), ids=SIGNATURES.keys())
def test_signature_decides(door: Door, sign: Callable[[str], str], status: int) -> None:
    answer = door.post(authorization=sign(door.push_service.http))
    assert answer.status == status
    if status == 401:
        assert answer.errno == 109
        assert answer.headers["WWW-Authenticate"] == "vapid"


# C2: the scheme's case, the order of its parameters
def test_scheme_may_be_written_in_capitals(door: Door) -> None:
    good = signed()(door.push_service.http)
    scheme, _, parameters = good.partition(" ")
    turned = ", ".join(reversed(parameters.split(",")))
    assert door.post(authorization=f"{scheme.upper()} {turned}").status == 201


# C2, W-4: whoever subscribed without a key asked for no signature
def test_subscription_without_a_key_needs_no_signature(door: Door) -> None:
    door.subscription = door.device.subscribe()
    assert door.post(authorization=None).status == 201


# C3 410, W-8, W-13
def test_410_when_the_subscription_has_ended(door: Door) -> None:
    door.device.unsubscribe(door.subscription)
    answer = door.post()
    assert (answer.status, answer.errno) == (410, 106)
    assert answer.headers["Cache-Control"] == "max-age=86400"


# C3 429, C3 500, C3 503, W-12, failure 25
@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {"Retry-After": "7"}), (500, {}), (503, {"Retry-After": "7"})],
    ids=["C3 429", "C3 500", "C3 503"],
)
def test_failure_of_the_push_service_says_when_to_come_back(
    door: Door, status: int, headers: dict[str, str]
) -> None:
    door.push_service.arm("accept", status=status, times=1, retry_after=7)
    answer = door.post()
    assert answer.status == status
    assert answer.headers.items() >= headers.items()
    assert door.post().status == 201


# C3 503: two minutes, as Mozilla's does
def test_503_asks_for_two_minutes_by_itself(door: Door) -> None:
    door.push_service.arm("accept", status=503, times=1)
    assert door.post().headers["Retry-After"] == "120"


# C3: DELETE takes a message back
def test_204_and_then_404_for_a_message_taken_back(door: Door) -> None:
    door.device.disconnect()
    door.push_service.journal.wait_for("user_agent.disconnected")
    path = urlsplit(door.post().headers["Location"]).path
    assert door.ask("DELETE", path).status == 204
    again = door.ask("DELETE", path)
    assert (again.status, again.errno) == (404, 102)


# C1: nothing but POST at an endpoint
def test_405_says_what_there_is(door: Door) -> None:
    answer = door.ask("GET", urlsplit(door.subscription.endpoint).path)
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
