"""The MCS session: who may log in, how frames are counted, what an acknowledgement removes."""

import pytest

from push_service.mcs_session import AwaitingLogin, LoggedIn, Turn
from push_service.model import Draft, Message, Subscription
from push_service.wire import mcs
from push_service.wire.check_in import Identity

SUBSCRIPTION = Subscription(
    token="lab_t",
    user_agent_id="agent",
    kind="mcs",
    channel="wp:https://example.com/#1-V2",
    app="org.chromium.linux",
    sender="BKey",
)


def message(name: str, draft: Draft | None = None) -> Message:
    return Message(name, 1, SUBSCRIPTION, draft or Draft(ttl=60), 0.0, 60.0)


def log_in() -> LoggedIn:
    session, _response = AwaitingLogin().accept(0.0)
    return session


def acknowledge(session: LoggedIn, frame: int) -> Turn:
    return session.on_message(mcs.IqStanza(last_stream_id_received=frame))


# W-10
def test_login_names_the_device_and_what_it_has() -> None:
    request = mcs.LoginRequest(user="12", auth_token="34", received_persistent_id=["a", "b"])
    login = AwaitingLogin().on_message(request)
    assert login.identity == Identity(12, 34)
    assert login.received == ("a", "b")


# W-9
@pytest.mark.parametrize("user", ["", "0x12", "-1", "1 2", "²", "1" * 21, str(2**64), "9" * 5000])
def test_login_with_a_hostile_user_is_nobodys(user: str) -> None:
    login = AwaitingLogin().on_message(mcs.LoginRequest(user=user, auth_token=user))
    assert login.identity == Identity(0, 0)


# W-9
@pytest.mark.parametrize("early", [mcs.HeartbeatPing(), mcs.IqStanza(), mcs.Close()])
def test_nothing_is_listened_to_before_the_login(early: mcs.Message) -> None:
    with pytest.raises(mcs.ProtocolError, match="before the login"):
        AwaitingLogin().on_message(early)


# W-10
def test_login_response_confirms_the_login() -> None:
    _session, [response] = AwaitingLogin().accept(1.5)
    assert isinstance(response, mcs.LoginResponse)
    assert response.last_stream_id_received == 1
    assert response.server_timestamp == 1500
    assert response.heartbeat_config.interval_ms == 30_000
    assert not response.HasField("error")


# W-9
def test_refused_login_carries_an_error() -> None:
    [response] = AwaitingLogin().refuse()
    assert isinstance(response, mcs.LoginResponse)
    assert response.error.code != 0


# W-10
def test_push_carries_subscription_and_payload() -> None:
    draft = Draft(ttl=60, encoding="aes128gcm", body=b"ciphertext")
    [stanza] = log_in().on_push([message("m1", draft)])
    assert isinstance(stanza, mcs.DataMessageStanza)
    assert (stanza.sender, stanza.category) == ("BKey", "org.chromium.linux")
    assert [(entry.key, entry.value) for entry in stanza.app_data] == [
        ("subtype", SUBSCRIPTION.channel),
        ("content-encoding", "aes128gcm"),
    ]
    assert (stanza.persistent_id, stanza.raw_data) == ("m1", b"ciphertext")


# W-10
def test_push_in_the_draft_encoding_carries_its_headers() -> None:
    draft = Draft(ttl=60, encoding="aesgcm", encryption="salt=a", crypto_key="dh=b", body=b"x")
    [stanza] = log_in().on_push([message("m1", draft)])
    assert isinstance(stanza, mcs.DataMessageStanza)
    headers = {entry.key: entry.value for entry in stanza.app_data}
    assert (headers["encryption"], headers["crypto-key"]) == ("salt=a", "dh=b")


# W-10
def test_acknowledgement_covers_all_frames_up_to_its_number() -> None:
    session = log_in()
    session.on_push([message("a"), message("b"), message("c")])  # frames 2, 3, 4
    assert acknowledge(session, 1).acknowledged == []
    assert acknowledge(session, 3).acknowledged == ["a", "b"]
    assert acknowledge(session, 3).acknowledged == []
    assert acknowledge(session, 4).acknowledged == ["c"]


# W-10
def test_replies_count_as_frames() -> None:
    session = log_in()
    session.on_message(mcs.HeartbeatPing())  # our HeartbeatAck is frame 2
    session.on_push([message("a")])  # frame 3
    assert acknowledge(session, 2).acknowledged == []
    assert acknowledge(session, 3).acknowledged == ["a"]


# W-10
def test_ping_acknowledges_and_is_answered() -> None:
    session = log_in()
    session.on_push([message("a")])
    turn = session.on_message(mcs.HeartbeatPing(last_stream_id_received=2))
    assert turn.acknowledged == ["a"]
    assert turn.replies == [mcs.HeartbeatAck(last_stream_id_received=2)]


# W-10
def test_push_confirms_the_frames_read_so_far() -> None:
    session = log_in()
    acknowledge(session, 1)
    [stanza] = session.on_push([message("a")])
    assert isinstance(stanza, mcs.DataMessageStanza)
    assert stanza.last_stream_id_received == 2


# W-9
@pytest.mark.parametrize("frame", [3, 2**31 - 1])
def test_acknowledgement_of_what_was_never_sent_is_refused(frame: int) -> None:
    session = log_in()
    session.on_push([message("a")])
    with pytest.raises(mcs.ProtocolError, match="2 sent"):
        acknowledge(session, frame)


# W-9
def test_negative_acknowledgement_removes_nothing() -> None:
    session = log_in()
    session.on_push([message("a")])
    assert acknowledge(session, -1).acknowledged == []


# W-9
def test_second_login_is_refused() -> None:
    with pytest.raises(mcs.ProtocolError, match="after the login"):
        log_in().on_message(mcs.LoginRequest())


# W-9
def test_close_is_answered_and_ends_the_session() -> None:
    turn = log_in().on_message(mcs.Close())
    assert turn.closed
    assert turn.replies == [mcs.Close()]


# W-9
def test_what_the_browser_sends_upstream_is_ignored() -> None:
    assert log_in().on_message(mcs.DataMessageStanza(sender="x")) == Turn(acknowledged=[])
