"""Firefox's WebSocket: a socket on one side, autopush_session and the hub on the other.

A handler for http_face's router, which hands over the socket of an upgrade request; from there on
this file owns it. wsproto knows the protocol.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from io import StringIO

import gevent
import h11
from gevent.event import Event
from gevent.lock import RLock
from wsproto import ConnectionType
from wsproto.connection import Connection as WebSocket
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Ping,
    TextMessage,
)
from wsproto.events import Event as Frame
from wsproto.events import Request as Upgrade
from wsproto.handshake import H11Handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from push_service.autopush_session import Identified, Unidentified
from push_service.connection import Connection
from push_service.http_face import Socket
from push_service.hub import Hub
from push_service.model import StoreUnavailableError, UserAgent
from push_service.web import Answer, Request, Response, Takeover
from push_service.wire import errors
from push_service.wire.autopush import SUBPROTOCOL
from push_service.wire.errors import Refusal

log = logging.getLogger(__name__)

HELLO_SECONDS = 15
PING_SECONDS = 60  # of silence: then we ping, and after as much again give up
SEND_SECONDS = 15
MAX_TEXT = 64 * 1024
RECEIVE_SIZE = 4096

NORMAL, BREACH, SLOW, TOO_BIG, RESTARTING, TRY_LATER = 1000, 1002, 1008, 1009, 1012, 1013


class AutopushFace:
    """Answers `GET /`: a WebSocket for browsers, a sentence for people."""

    def __init__(self, hub: Hub, endpoint_of: Callable[[str], str]) -> None:
        self._hub = hub
        self._endpoint_of = endpoint_of

    def get(self, request: Request) -> Answer:
        if request.header("upgrade") is None:
            text = b"This is a push service. Browsers connect here with a WebSocket.\n"
            return Response(200, text, [("Content-Type", "text/plain")])
        websocket, accepted = _accept(request)

        def serve(socket: Socket, leftover: bytes) -> None:
            channel = _Channel(socket, websocket)
            channel.start(accepted, leftover)
            _Browser(self._hub, self._endpoint_of, channel).run()

        return Takeover(serve)


def _accept(request: Request) -> tuple[WebSocket, bytes]:
    """The WebSocket, and the answer that begins it. Raises Refusal."""
    handshake = H11Handshake(ConnectionType.SERVER)
    try:
        handshake.initiate_upgrade_connection(list(request.raw_headers), request.target)
        upgrade = next(handshake.events())
    except (RemoteProtocolError, LocalProtocolError, h11.ProtocolError, ValueError) as error:
        raise Refusal(errors.BAD_REQUEST, f"No WebSocket handshake: {error}") from error
    offered = isinstance(upgrade, Upgrade) and SUBPROTOCOL in upgrade.subprotocols
    accepted = handshake.send(AcceptConnection(subprotocol=SUBPROTOCOL if offered else None))
    # Not the handshake's own connection: it has read nothing of what may follow the request.
    return WebSocket(ConnectionType.SERVER), accepted


class _ClosedError(Exception):
    """We end the connection, with this code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class _Channel:
    """Texts over one WebSocket. One greenlet receives; any may send."""

    def __init__(self, socket: Socket, websocket: WebSocket) -> None:
        self._socket = socket
        self._websocket = websocket
        self._lock = RLock()
        self._pinged = False

    def start(self, accepted: bytes, leftover: bytes) -> None:
        self._websocket.receive_data(leftover)
        self._write(accepted)

    def send(self, texts: Sequence[str]) -> None:
        """Returns when the system has taken them; a peer that does not read ends the connection."""
        with self._lock:
            self._write(b"".join(self._websocket.send(TextMessage(text)) for text in texts))

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, if the connection still stands, and end it."""
        with self._lock:
            if self._websocket.state is ConnectionState.OPEN:
                self._write(self._websocket.send(CloseConnection(code, reason)))
        self.abort()

    def abort(self) -> None:
        """End it now; the receiving greenlet notices."""
        try:
            self._socket.shutdown(2)
        except OSError:
            log.debug("the socket was closed already")

    def receive(self) -> Iterator[str]:
        """Whole texts, until the peer hangs up. Raises _ClosedError for what is not to be borne."""
        text = StringIO()
        try:
            for event in self._events():
                if isinstance(event, TextMessage):
                    if text.tell() + len(event.data) > MAX_TEXT:
                        raise _ClosedError(TOO_BIG, "too big")
                    text.write(event.data)
                    if event.message_finished:
                        yield text.getvalue()
                        text = StringIO()
                elif self._answer(event):
                    return
        except RemoteProtocolError as error:
            raise _ClosedError(BREACH, "not WebSocket") from error

    def _events(self) -> Iterator[Frame]:
        while True:
            yield from self._websocket.events()
            try:
                self._socket.settimeout(PING_SECONDS)
                data = self._socket.recv(RECEIVE_SIZE)
            except TimeoutError:
                self._ping()
                continue
            gevent.sleep(0)  # the others' turn: who sends without a pause is never waited for
            if not data:
                return
            self._pinged = False
            self._websocket.receive_data(data)

    def _ping(self) -> None:
        if self._pinged:
            raise _ClosedError(SLOW, "silent")
        self._pinged = True
        with self._lock:
            self._write(self._websocket.send(Ping()))

    def _answer(self, event: Frame) -> bool:
        """Answer a control frame, let binary ones pass; whether it was the last one."""
        if isinstance(event, Ping | CloseConnection):
            with self._lock:
                if self._websocket.state is not ConnectionState.CLOSED:
                    self._write(self._websocket.send(event.response()))
        return isinstance(event, CloseConnection)

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(SEND_SECONDS)
        self._socket.sendall(data)


class _Browser:
    """Carries texts between a Firefox and the hub: this greenlet reads, another one pushes."""

    def __init__(self, hub: Hub, endpoint_of: Callable[[str], str], channel: _Channel) -> None:
        self._hub = hub
        self._endpoint_of = endpoint_of
        self._channel = channel
        self._woken = Event()
        self._goodbye: tuple[int, str] | None = None
        self._link: Connection | None = None

    def wake(self) -> None:
        self._woken.set()

    def replaced(self) -> None:
        self.close(NORMAL, "replaced")

    def close(self, code: int, reason: str) -> None:
        self._goodbye = code, reason
        self._woken.set()

    def run(self) -> None:
        """Until the browser hangs up, is replaced by its own newer connection, or misbehaves."""
        try:
            self._converse()
        except _ClosedError as closed:
            self._channel.close(closed.code, closed.reason)
        except LocalProtocolError as error:
            log.debug("the connection was closed under way: %r", error)
        except StoreUnavailableError as error:
            log.warning("a Firefox is sent away: %s", error)
            self._channel.close(TRY_LATER, "try again later")
        except gevent.GreenletExit:
            self._channel.close(RESTARTING, "restarting")
            raise
        finally:
            if self._link is not None:
                self._link.detach()

    def _converse(self) -> None:
        texts = self._channel.receive()
        session = self._greet(texts)
        if session is None:
            return
        pusher = gevent.spawn(self._push, session)
        try:
            for text in texts:
                self._channel.send(session.on_text(text))
        finally:
            pusher.kill()

    def _greet(self, texts: Iterator[str]) -> Identified | None:
        """Wait for the hello; None when the peer hung up before."""
        session: Unidentified | Identified = Unidentified(
            self._hub, self._attach, self._endpoint_of
        )
        with gevent.Timeout(HELLO_SECONDS, _ClosedError(SLOW, "no hello")):
            for text in texts:
                assert isinstance(session, Unidentified)
                session, replies = session.on_text(text)
                self._channel.send(replies)
                if isinstance(session, Identified):
                    return session
        return None

    def _attach(self, agent: UserAgent) -> Connection:
        self._link = self._hub.attach(agent, self)
        return self._link

    def _push(self, session: Identified) -> None:
        try:
            self._channel.close(*self._push_until_goodbye(session))
        except (OSError, LocalProtocolError) as error:
            log.debug("pushing to a Firefox ended: %r", error)
            self._channel.abort()
        except StoreUnavailableError as error:
            log.warning("a Firefox is sent away: %s", error)
            self._channel.close(TRY_LATER, "try again later")

    def _push_until_goodbye(self, session: Identified) -> tuple[int, str]:
        """The close code and its reason."""
        link = self._link
        assert link is not None
        while self._goodbye is None:
            self._woken.clear()
            while self._goodbye is None and (messages := link.pull()):
                self._channel.send(session.on_messages(messages))
                link.delivered(messages)
            self._woken.wait()
        return self._goodbye
