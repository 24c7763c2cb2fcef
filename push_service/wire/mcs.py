"""MCS framing: bytes in, messages out, and back. Used by push_service.mcs_session and its tests.

A connection carries, in each direction, one version byte and then frames: a tag byte, the length of
the body as a varint, the body (protobuf, see mcs.proto). TCP may cut it anywhere.
"""

from collections.abc import Iterator, Mapping

from google.protobuf.message import DecodeError

from push_service.wire.mcs_pb2 import (
    AppData,
    Close,
    DataMessageStanza,
    ErrorInfo,
    Extension,
    HeartbeatAck,
    HeartbeatConfig,
    HeartbeatPing,
    IqStanza,
    LoginRequest,
    LoginResponse,
)

__all__ = [
    "Close",
    "DataMessageStanza",
    "ErrorInfo",
    "Extension",
    "HeartbeatAck",
    "HeartbeatConfig",
    "HeartbeatPing",
    "IqStanza",
    "LoginRequest",
    "LoginResponse",
    "Message",
    "ProtocolError",
    "Reader",
    "data_message",
    "encode",
]

VERSION = 41

# A browser lists, when it logs in, the persistent ids that it was not told we know it has: a few
# hundred at most, and thousands fit. Whoever announces more is no browser.
MAX_BODY = 64 * 1024

# Five varint bytes announce up to 32 GiB, far more than MAX_BODY; a sixth is never needed.
MAX_LENGTH_BYTES = 5

Message = (
    HeartbeatPing
    | HeartbeatAck
    | LoginRequest
    | LoginResponse
    | Close
    | IqStanza
    | DataMessageStanza
)

MESSAGES: dict[int, type[Message]] = {
    0: HeartbeatPing,
    1: HeartbeatAck,
    2: LoginRequest,
    3: LoginResponse,
    4: Close,
    7: IqStanza,
    8: DataMessageStanza,
}
TAGS = {message: tag for tag, message in MESSAGES.items()}


class ProtocolError(Exception):
    """The peer does not speak MCS; the connection cannot go on."""


def encode(message: Message) -> bytes:
    """One message as a frame."""
    body = message.SerializeToString()
    return bytes([TAGS[type(message)]]) + encode_varint(len(body)) + body


def encode_varint(number: int) -> bytes:
    """A non-negative number, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


class Reader:
    """Cuts a stream that arrives in any pieces into messages.

    It holds at most one unfinished frame, whose body may have `max_body` bytes. After a
    ProtocolError it is of no more use.
    """

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self.max_body = max_body
        self._buffer = bytearray()
        self._version_seen = False

    def receive(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes; raises ProtocolError after those before a breach."""
        self._buffer += data
        return self._read_messages()

    def _read_messages(self) -> Iterator[Message]:
        self._read_version()
        while (message := self._read_frame()) is not None:
            yield message

    def _read_version(self) -> None:
        if self._version_seen or not self._buffer:
            return
        if self._buffer[0] != VERSION:
            raise ProtocolError(f"version {self._buffer[0]} instead of {VERSION}")
        del self._buffer[0]
        self._version_seen = True

    def _read_frame(self) -> Message | None:
        if not self._buffer:
            return None
        message_type = MESSAGES.get(self._buffer[0])
        if message_type is None:
            raise ProtocolError(f"unknown tag {self._buffer[0]}")
        length = self._read_length()
        if length is None:
            return None
        start, size = length
        if len(self._buffer) < start + size:
            return None
        body = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return _decode(message_type, body)

    def _read_length(self) -> tuple[int, int] | None:
        """Where the body starts and how long it is; None while the varint is unfinished."""
        size = 0
        for index, byte in enumerate(self._buffer[1 : 1 + MAX_LENGTH_BYTES]):
            size |= (byte & 0x7F) << 7 * index
            if size > self.max_body:
                raise ProtocolError(f"a body longer than {self.max_body} bytes")
            if byte < 0x80:
                return index + 2, size
        if len(self._buffer) > MAX_LENGTH_BYTES:
            raise ProtocolError("a length without an end")
        return None


def _decode(message_type: type[Message], body: bytes) -> Message:
    try:
        return message_type.FromString(body)
    except DecodeError as error:
        raise ProtocolError(f"a broken {message_type.DESCRIPTOR.name}") from error


def data_message(
    *,
    sender: str,
    category: str,
    subtype: str,
    persistent_id: str,
    headers: Mapping[str, str],
    body: bytes,
    last_stream_id_received: int,
) -> DataMessageStanza:
    """A push message for the browser.

    `sender`, `category`, `subtype` are those of the registration: a stranger's are dropped without
    a word. `headers` are the encryption headers of the HTTP message, lower case
    (`content-encoding`; for aesgcm `encryption` and `crypto-key` as well). Without a body they are
    left out: the browser would try to decrypt nothing, and drop the message.
    """
    stanza = DataMessageStanza(
        sender=sender,
        category=category,
        persistent_id=persistent_id,
        last_stream_id_received=last_stream_id_received,
        immediate_ack=True,
    )
    stanza.app_data.append(AppData(key="subtype", value=subtype))
    if body:
        stanza.raw_data = body
        stanza.app_data.extend(AppData(key=key, value=value) for key, value in headers.items())
    return stanza
