"""The MCS port: TLS sockets on one side, mcs_session and the hub on the other. Used by cli.

This file alone touches these sockets. It runs under gevent with the standard library patched.

Nothing here trusts the peer: handshake and login have a deadline, silence and a peer that does not
read end the connection, and what a connection may make us hold is bounded (one frame that is read,
one batch that is written).
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import gevent
from gevent.event import Event
from gevent.lock import RLock
from gevent.pool import Pool
from gevent.server import StreamServer
from gevent.socket import socket

from push_service.connection import Connection
from push_service.hub import Hub
from push_service.mcs_session import HEARTBEAT_SECONDS, MAX_BODY, AwaitingLogin, LoggedIn, Login
from push_service.model import FullError, StoreUnavailableError, UserAgent
from push_service.wire import mcs

log = logging.getLogger(__name__)

LOGIN_SECONDS = 20  # for handshake and login together
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
SEND_SECONDS = 20
RECEIVE_SIZE = 16 * 1024


class McsFace:
    """Listens on the MCS port and speaks with each Chromium that logs in."""

    def __init__(
        self, hub: Hub, listener: socket, context: ssl.SSLContext, max_connections: int
    ) -> None:
        self._hub = hub
        self._context = context
        self._server = StreamServer(listener, self._serve, spawn=Pool(max_connections))

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Close the port and end the connections."""
        self._server.stop(timeout=0)

    def _serve(self, plain: socket, address: object) -> None:
        with (
            plain,
            _logged(address),
            gevent.Timeout(LOGIN_SECONDS) as deadline,
            _wrap(self._context, plain) as tls,
        ):
            tls.do_handshake()
            channel = _Channel(tls)
            awaiting = AwaitingLogin()
            login = awaiting.on_message(channel.receive_first())
            deadline.cancel()
            self._serve_login(channel, awaiting, login, address)

    def _serve_login(
        self, channel: "_Channel", awaiting: AwaitingLogin, login: Login, address: object
    ) -> None:
        agent = self._agent(login)
        if agent is None:
            log.warning("refused the login of device %d", login.identity.android_id)
            channel.send_first(awaiting.refuse())
            return
        courier = _Courier(channel)
        connection = self._hub.attach(agent, courier)
        try:
            connection.acknowledge(login.received, "login")
            session, response = awaiting.accept(time.time())
            channel.send_first(response)
            courier.run(connection, session, address)
        finally:
            connection.detach()

    def _agent(self, login: Login) -> UserAgent | None:
        try:
            return self._hub.mcs_agent(login.identity.android_id, login.identity.security_token)
        except FullError as error:
            log.warning("%s", error)
            return None


def _wrap(context: ssl.SSLContext, plain: socket) -> ssl.SSLSocket:
    # A handshake that runs out of time inside of wrap_socket would leave a socket nobody closes.
    return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)


class _Channel:
    """Whole messages over one TLS socket."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self._tls = tls
        self._reader = mcs.Reader()
        self._messages = self._receive()

    def receive_first(self) -> mcs.Message:
        """The login, which alone may be long."""
        first = next(self._messages, None)
        if first is None:
            raise ConnectionResetError("hung up before the login")
        self._reader.max_body = MAX_BODY
        self._tls.settimeout(SILENCE_SECONDS)
        return first

    def receive(self) -> Iterator[mcs.Message]:
        """All others, until the peer hangs up."""
        return self._messages

    def send_first(self, messages: Sequence[mcs.Message]) -> None:
        self._send(bytes([mcs.VERSION]) + _encode(messages))

    def send(self, messages: Sequence[mcs.Message]) -> None:
        if messages:
            self._send(_encode(messages))

    def _receive(self) -> Iterator[mcs.Message]:
        while data := self._tls.recv(RECEIVE_SIZE):
            gevent.sleep(0)  # the others' turn: who sends without a pause is never waited for
            yield from self._reader.receive(data)

    def _send(self, data: bytes) -> None:
        with gevent.Timeout(SEND_SECONDS):
            self._tls.sendall(data)


def _encode(messages: Sequence[mcs.Message]) -> bytes:
    return b"".join(mcs.encode(message) for message in messages)


class _Courier:
    """Carries messages between a logged-in browser and the hub: one greenlet for each direction.

    The session numbers the frames, so whoever lets it make some sends them before the other one
    may: that is what the lock is for.
    """

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel
        self._lock = RLock()
        self._woken = Event()
        self._ended = False

    def wake(self) -> None:
        self._woken.set()

    def replaced(self) -> None:
        self._ended = True
        self._woken.set()

    def close(self, code: int, reason: str) -> None:
        """MCS has no codes: the connection just ends, and Chromium comes back."""
        self.replaced()

    def run(self, connection: Connection, session: LoggedIn, address: object) -> None:
        """Until the browser hangs up, is replaced by its own newer connection, or misbehaves."""

        def guarded(work: Callable[[Connection, LoggedIn], None]) -> None:
            with _logged(address):
                work(connection, session)

        both = [gevent.spawn(guarded, work) for work in (self._read, self._push)]
        try:
            gevent.joinall(both, count=1)
        finally:
            gevent.killall(both)

    def _read(self, connection: Connection, session: LoggedIn) -> None:
        for message in self._channel.receive():
            with self._lock:
                turn = session.on_message(message)
                self._channel.send(turn.replies)
            if turn.acknowledged:
                connection.acknowledge(turn.acknowledged, "stream")
            if turn.closed:
                return

    def _push(self, connection: Connection, session: LoggedIn) -> None:
        while not self._ended:
            self._woken.clear()
            while not self._ended and (messages := connection.pull()):
                with self._lock:
                    self._channel.send(session.on_push(messages))
                    connection.delivered(messages)
            self._woken.wait()


@contextmanager
def _logged(address: object) -> Iterator[None]:
    """The ways in which a connection may end without anybody of ours being at fault."""
    try:
        yield
    except mcs.ProtocolError as error:
        log.warning("the peer at %s does not speak MCS: %s", address, error)
    except StoreUnavailableError as error:
        log.warning("the Chromium at %s is sent away: %s", address, error)
    except (OSError, gevent.Timeout) as error:
        # The first connection of a fresh profile always ends like this: the browser only tries the
        # network with it, and hangs up during the handshake.
        log.debug("the MCS connection from %s ended: %r", address, error)
