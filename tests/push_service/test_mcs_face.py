"""The MCS port of a real push service, spoken to by a Chromium under the test's control."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from push_service.testing.push_service_process import PushServiceProcess
from push_service.wire import mcs
from push_service.wire.check_in import Identity
from tests.push_service.fake_chromium import FakeChromium, Link
from tests.push_service.sending import Sender


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("push-service")) as process:
        yield process


@pytest.fixture
def sender(push_service: PushServiceProcess) -> Sender:
    return Sender(push_service)


@pytest.fixture
def chromium(push_service: PushServiceProcess) -> FakeChromium:
    return FakeChromium(push_service)


def is_alive(push_service: PushServiceProcess) -> bool:
    with FakeChromium(push_service).log_in() as link:
        link.send(mcs.HeartbeatPing())
        return isinstance(link.receive(), mcs.HeartbeatAck)


def wait_for_end(link: Link) -> None:
    with pytest.raises((EOFError, ConnectionError, ssl.SSLError)):
        link.receive()


# W-10
def test_push_reaches_the_logged_in_browser(chromium: FakeChromium, sender: Sender) -> None:
    endpoint = chromium.register(sender.key)
    with chromium.log_in() as link:
        assert sender.post(endpoint, b"ciphertext") == 201
        stanza = link.receive_push()
    assert (stanza.sender, stanza.raw_data) == (sender.key, b"ciphertext")


# W-9
def test_held_messages_come_in_order_after_the_login(
    chromium: FakeChromium, sender: Sender
) -> None:
    endpoint = chromium.register(sender.key)
    sent = [b"%d" % number for number in range(100)]
    for body in sent:
        assert sender.post(endpoint, body) == 201
    received = []
    with chromium.log_in() as link:
        for _ in sent:
            received.append(link.receive_push().raw_data)
            link.acknowledge()
    assert received == sent


# W-9
def test_unacknowledged_message_comes_again_with_its_id(
    chromium: FakeChromium, sender: Sender
) -> None:
    sender.post(chromium.register(sender.key), b"x")
    with chromium.log_in() as link:
        first = link.receive_push()
    with chromium.log_in() as link:
        again = link.receive_push()
    assert again.persistent_id == first.persistent_id


# W-9
def test_acknowledged_message_is_gone(
    push_service: PushServiceProcess, chromium: FakeChromium, sender: Sender
) -> None:
    endpoint = chromium.register(sender.key)
    sender.post(endpoint, b"first")
    with chromium.log_in() as link:
        stanza = link.receive_push()
        link.acknowledge()
        push_service.journal.wait_for(
            "message.acknowledged", message_id=stanza.persistent_id, code="stream"
        )
    sender.post(endpoint, b"second")
    with chromium.log_in() as link:
        assert link.receive_push().raw_data == b"second"


# W-9
def test_messages_listed_at_login_are_gone(
    push_service: PushServiceProcess, chromium: FakeChromium, sender: Sender
) -> None:
    endpoint = chromium.register(sender.key)
    sender.post(endpoint, b"first")
    with chromium.log_in() as link:
        persistent_id = link.receive_push().persistent_id
    chromium.unconfirmed = [persistent_id, "never heard of"]
    with chromium.log_in() as link:
        push_service.journal.wait_for(
            "message.acknowledged", message_id=persistent_id, code="login"
        )
        sender.post(endpoint, b"second")
        assert link.receive_push().raw_data == b"second"


# W-9
def test_messages_survive_a_killed_push_service(tmp_path: Path) -> None:
    with PushServiceProcess(tmp_path) as push_service:
        sender, chromium = Sender(push_service), FakeChromium(push_service)
        endpoint = chromium.register(sender.key)
        sent = [b"%d" % number for number in range(20)]
        for body in sent:
            assert sender.post(endpoint, body) == 201
        push_service.restart()
        with chromium.log_in() as link:
            assert [link.receive_push().raw_data for _ in sent] == sent


# W-9
def test_each_browser_gets_its_own_only(push_service: PushServiceProcess, sender: Sender) -> None:
    one, other = FakeChromium(push_service), FakeChromium(push_service)
    endpoints = one.register(sender.key), other.register(sender.key)
    with one.log_in() as link_of_one, other.log_in() as link_of_other:
        sender.post(endpoints[0], b"one")
        sender.post(endpoints[1], b"other")
        assert link_of_one.receive_push().raw_data == b"one"
        assert link_of_other.receive_push().raw_data == b"other"


# W-9
def test_newer_connection_replaces_the_older(chromium: FakeChromium, sender: Sender) -> None:
    endpoint = chromium.register(sender.key)
    with chromium.log_in() as older, chromium.log_in() as newer:
        wait_for_end(older)
        sender.post(endpoint, b"x")
        assert newer.receive_push().raw_data == b"x"


# W-9
def test_login_with_a_wrong_token_is_refused(
    push_service: PushServiceProcess, chromium: FakeChromium
) -> None:
    thief = Identity(chromium.identity.android_id, chromium.identity.security_token ^ 1)
    with Link(push_service) as link:
        assert link.log_in(thief).error.code != 0
        wait_for_end(link)


# W-10
def test_browser_that_leaves_in_the_handshake_is_no_trouble(
    push_service: PushServiceProcess,
) -> None:
    host, _, port = push_service.mcs.rpartition(":")
    for hello in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(hello)
    assert is_alive(push_service)


# W-9
@pytest.mark.parametrize(
    "said",
    [
        b"\x26",
        b"GET / HTTP/1.1\r\n\r\n",
        bytes([mcs.VERSION]) + mcs.encode(mcs.HeartbeatPing()),
        bytes([mcs.VERSION]) + b"\x02\xff\xff\xff\xff\x0f",
        bytes([mcs.VERSION]) + b"\x02\x05garbl",
        bytes([mcs.VERSION]) + b"\x0e\x00",
    ],
)
def test_peer_that_breaches_the_protocol_is_cut_off(
    push_service: PushServiceProcess, said: bytes
) -> None:
    with Link(push_service) as link:
        link.socket.sendall(said)
        wait_for_end(link)
    assert is_alive(push_service)


# W-9
def test_peer_that_breaches_the_protocol_later_is_cut_off(
    push_service: PushServiceProcess, chromium: FakeChromium
) -> None:
    with chromium.log_in() as link:
        link.send(mcs.HeartbeatPing(last_stream_id_received=999))
        wait_for_end(link)
    assert is_alive(push_service)


# W-9
def test_unread_pushes_wait_in_the_store(chromium: FakeChromium, sender: Sender) -> None:
    endpoint = chromium.register(sender.key)
    with chromium.log_in() as link:
        for number in range(200):  # more than may be under way unacknowledged
            assert sender.post(endpoint, b"%d" % number + bytes(4000)) == 201
        received = []
        for _ in range(200):
            received.append(int(link.receive_push().raw_data.rstrip(b"\0")))
            link.acknowledge()
    assert received == list(range(200))


# W-10
def test_journal_tells_when_the_browser_comes_and_goes(
    push_service: PushServiceProcess, chromium: FakeChromium
) -> None:
    mark = push_service.journal.cursor()
    with chromium.log_in():
        came = push_service.journal.wait_for("user_agent.connected", after=mark)
    gone = push_service.journal.wait_for("user_agent.disconnected", user_agent=came.user_agent)
    assert gone.id > came.id
