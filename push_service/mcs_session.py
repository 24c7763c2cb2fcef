"""One Chromium's MCS connection as a state machine: messages in, messages out, no I/O.

Used by push_service.mcs_face. A connection begins as `AwaitingLogin` and becomes, once the push
service has accepted the login, `LoggedIn`.

Acknowledgement rests on stream ids: each side numbers the frames that it sends, from 1, without
writing the numbers down, and says in its own frames how far it has read the other's. So the browser
acknowledges a push message by the number of the frame that it came in.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from push_service.model import Message
from push_service.wire import mcs
from push_service.wire.check_in import UINT64, Identity

# The browser shall ping this often. Its pings acknowledge, and their absence shows a dead peer.
HEARTBEAT_SECONDS = 30

# Every code but zero is a refusal; the browser looks no closer.
LOGIN_REFUSED = 1

# After its login a browser sends small frames only.
MAX_BODY = 16 * 1024


@dataclass(frozen=True)
class Login:
    """Who wants to log in, and the ids of the messages that it already has."""

    identity: Identity
    received: Sequence[str]


@dataclass(frozen=True)
class Turn:
    """What a message from the browser leads to."""

    replies: Sequence[mcs.Message] = ()
    acknowledged: Sequence[str] = ()
    closed: bool = False


class AwaitingLogin:
    """Nothing but a login is listened to."""

    def on_message(self, message: mcs.Message) -> Login:
        """The login that the browser asks for; raises mcs.ProtocolError."""
        if not isinstance(message, mcs.LoginRequest):
            raise mcs.ProtocolError(f"{message.DESCRIPTOR.name} before the login")
        identity = Identity(_number(message.user), _number(message.auth_token))
        return Login(identity, tuple(message.received_persistent_id))

    def accept(self, now: float) -> tuple["LoggedIn", Sequence[mcs.Message]]:
        """To be called once the messages that the login lists are removed.

        The response confirms the login's frame, on which the browser forgets its list.
        """
        response = mcs.LoginResponse(
            id="pushlab",
            last_stream_id_received=1,
            heartbeat_config=mcs.HeartbeatConfig(interval_ms=HEARTBEAT_SECONDS * 1000),
            server_timestamp=int(now * 1000),
        )
        return LoggedIn(), [response]

    def refuse(self) -> Sequence[mcs.Message]:
        """The browser keeps its subscriptions and tries again after 20 seconds or more."""
        error = mcs.ErrorInfo(code=LOGIN_REFUSED, message="unknown device or wrong token")
        return [mcs.LoginResponse(id="pushlab", error=error)]


class LoggedIn:
    """Pushes go out, acknowledgements come in."""

    def __init__(self) -> None:
        self._sent = 1  # the LoginResponse
        self._received = 1  # the LoginRequest
        self._unacknowledged: deque[tuple[int, str]] = deque()

    def on_push(self, messages: Sequence[Message]) -> Sequence[mcs.Message]:
        """The frames that carry these push messages, to be sent in this order and at once."""
        return [self._build_push(message) for message in messages]

    def on_message(self, message: mcs.Message) -> Turn:
        """Raises mcs.ProtocolError."""
        self._received += 1
        acknowledged = self._acknowledge(message)
        match message:
            case mcs.HeartbeatPing():
                self._sent += 1
                reply = mcs.HeartbeatAck(last_stream_id_received=self._received)
                return Turn([reply], acknowledged)
            case mcs.Close():
                self._sent += 1
                return Turn([mcs.Close()], acknowledged, closed=True)
            case mcs.LoginRequest() | mcs.LoginResponse():
                raise mcs.ProtocolError(f"{message.DESCRIPTOR.name} after the login")
            case _:
                return Turn(acknowledged=acknowledged)

    def _build_push(self, message: Message) -> mcs.Message:
        self._sent += 1
        self._unacknowledged.append((self._sent, message.id))
        subscription, draft = message.subscription, message.draft
        headers = {
            "content-encoding": draft.encoding,
            "encryption": draft.encryption,
            "crypto-key": draft.crypto_key,
        }
        return mcs.data_message(
            sender=subscription.sender or "",
            category=subscription.app or "",
            subtype=subscription.channel,
            persistent_id=message.id,
            headers={name: value for name, value in headers.items() if value},
            body=draft.body,
            last_stream_id_received=self._received,
        )

    def _acknowledge(self, message: mcs.Message) -> Sequence[str]:
        """The messages that the browser says it has, which it says with any frame."""
        last = getattr(message, "last_stream_id_received", 0)
        if last > self._sent:
            raise mcs.ProtocolError(f"frame {last} acknowledged, {self._sent} sent")
        acknowledged = []
        while self._unacknowledged and self._unacknowledged[0][0] <= last:
            acknowledged.append(self._unacknowledged.popleft()[1])
        return acknowledged


def _number(decimal: str) -> int:
    """An id or a token as the login writes it; 0, which nobody has, when it is neither."""
    if not decimal.isascii() or not decimal.isdigit() or len(decimal) > len(str(UINT64)):
        return 0
    number = int(decimal)
    return number if number <= UINT64 else 0
